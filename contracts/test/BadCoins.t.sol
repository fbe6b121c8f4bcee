// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Base, GadusCoin, Scheduler} from "./Base.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

/// @dev Calls back whoever it is told to, before it moves anything.
contract CallingCoin is ERC20 {
    address internal target;
    bytes internal data;
    bool public blocked;

    constructor() ERC20("", "") {
        _mint(msg.sender, 1e26);
    }

    function callBack(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (target != address(0)) {
            address callee = target;
            target = address(0);
            (bool ok,) = callee.call(data);
            blocked = !ok;
        }
        super._update(from, to, amount);
    }
}

/// @dev Says no instead of reverting.
contract FalseCoin is ERC20 {
    constructor() ERC20("", "") {}

    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return false;
    }
}

/// @dev Says nothing, as some old coins do.
contract SilentCoin {
    mapping(address => uint256) public balanceOf;

    constructor() {
        balanceOf[msg.sender] = 1e26;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }
}

contract BadCoinsTest is Base {
    function test_a_coin_that_calls_back_finds_everything_written() public {
        CallingCoin calling = new CallingCoin();
        Scheduler other = deployScheduler(calling, 1, 60, 30 days);
        calling.approve(address(other), type(uint256).max);
        other.register(100, "");
        other.fund(address(7), 50);
        calling.transfer(address(calling), 1);
        // The coin itself is the party that withdraws twice.
        vm.prank(address(calling));
        calling.approve(address(other), 1);
        vm.prank(address(calling));
        other.register(1, "");
        calling.callBack(address(other), abi.encodeCall(IScheduler.withdraw, (true, address(calling), 1)));
        vm.prank(address(calling));
        other.withdraw(true, address(calling), 1);
        assertTrue(calling.blocked(), "second withdrawal");
        assertEq(calling.balanceOf(address(other)), 150, "the others' coin");
        assertEq(calling.balanceOf(address(calling)), 1, "its own");
    }

    function test_a_coin_that_says_no_is_believed() public {
        Scheduler other = deployScheduler(new FalseCoin(), 1, 60, 30 days);
        vm.expectRevert();
        other.register(1, "");
        vm.expectRevert();
        other.fund(address(this), 1);
        assertEq(other.node(address(this)).free, 0, "free");
    }

    function test_a_coin_that_says_nothing_works() public {
        SilentCoin silent = new SilentCoin();
        Scheduler other = deployScheduler(IERC20(address(silent)), 1, 60, 30 days);
        other.register(5, "");
        other.withdraw(true, address(9), 2);
        assertEq(silent.balanceOf(address(9)), 2, "received");
    }
}
