// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Base} from "./Base.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

contract FundTest is Base {
    address internal constant SOMEBODY = address(0x5);

    function test_anyone_fills_a_purse() public {
        vm.expectEmit(address(scheduler));
        emit IScheduler.Funded(SOMEBODY, 7);
        scheduler.fund(SOMEBODY, 7);
        vm.warp(block.timestamp + 9);
        scheduler.fund(SOMEBODY, 1);
        IScheduler.Party memory party = scheduler.client(SOMEBODY);
        assertEq(party.free, 8, "free");
        assertEq(party.since, START + 100, "since the first");
        assertEq(scheduler.node(SOMEBODY).free, 0, "not a node");
    }

    function test_reverts_without_coin() public {
        vm.prank(SOMEBODY);
        vm.expectRevert();
        scheduler.fund(SOMEBODY, 1);
    }

    function testFuzz_any_amount(address account, uint88 amount) public {
        amount = uint88(amount % (coin.balanceOf(address(this)) + 1));
        uint256 before = scheduler.client(account).free;
        scheduler.fund(account, amount);
        assertEq(scheduler.client(account).free, before + amount, "free");
    }
}
