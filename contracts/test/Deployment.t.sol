// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Base, GadusCoin, Scheduler} from "./Base.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

contract DeploymentTest is Base {
    /// EIP-170.
    uint256 internal constant MAX_CODE = 24_576;

    function test_fits() public view {
        assertTrue(address(scheduler).code.length <= MAX_CODE, "scheduler");
        assertTrue(scheduler.DISPUTES().code.length <= MAX_CODE, "disputes");
        assertTrue(address(coin).code.length <= MAX_CODE, "coin");
    }

    function test_the_disputes_code_alone_knows_no_job() public {
        IScheduler.JobRequest memory request = aRequest(1);
        IScheduler disputes = IScheduler(scheduler.DISPUTES());
        expectWrongState(IScheduler.State.None);
        disputes.resolve(request, new IScheduler.SealedSeat[](0), new IScheduler.Opening[](0));
    }

    function test_constants() public view {
        assertEq(scheduler.coin(), address(coin), "coin");
        assertEq(scheduler.SEED_DELAY(), 1, "seed delay");
        assertEq(scheduler.MIN_WINDOW(), 1 minutes, "min window");
        assertEq(scheduler.MAX_WINDOW(), 30 days, "max window");
        assertEq(scheduler.MAX_REPLICAS(), 15, "replicas");
        assertEq(scheduler.MAX_BIDS(), 16, "bids");
        assertEq(scheduler.NO_SHOW_BPS(), 2500, "no show");
    }

    function test_the_domain_is_as_signed() public view {
        (, string memory name, string memory version, uint256 chainId, address verifier,,) = scheduler.eip712Domain();
        assertEq(keccak256(bytes(name)), keccak256("Gadus"), "name");
        assertEq(keccak256(bytes(version)), keccak256("1"), "version");
        assertEq(chainId, block.chainid, "chain");
        assertEq(verifier, address(scheduler), "contract");
    }

    function test_reverts_on_senseless_arguments() public {
        address hashes = deployRandomness("BlockHash");
        vm.expectRevert();
        deployScheduler(GadusCoin(address(1)), hashes, 1, 1, 1);
        vm.expectRevert();
        deployScheduler(coin, address(1), 1, 1, 1);
        vm.expectRevert();
        deployScheduler(coin, hashes, 0, 1, 1);
        vm.expectRevert();
        deployScheduler(coin, hashes, 256, 1, 1);
        vm.expectRevert();
        deployScheduler(coin, hashes, 1, 0, 1);
        vm.expectRevert();
        deployScheduler(coin, hashes, 1, 2, 1);
        vm.expectRevert();
        deployScheduler(coin, hashes, 1, 1, uint256(type(uint32).max) + 1);
    }

    function test_the_whole_supply_is_the_deployers_and_fits_a_slot() public {
        GadusCoin fresh = deployCoin();
        assertEq(fresh.totalSupply(), 200_000_000e18, "supply");
        assertEq(fresh.balanceOf(address(this)), 200_000_000e18, "deployer");
        assertTrue(fresh.totalSupply() < 1 << 88, "fits");
        fresh.burn(1e18);
        assertEq(fresh.totalSupply(), 199_999_999e18, "burnt");
    }

    function test_coin_permits_by_signature() public {
        uint256 key = keys[0];
        address owner = vm.addr(key);
        bytes32 statement = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                owner,
                address(scheduler),
                5,
                0,
                block.timestamp
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked(hex"1901", coin.DOMAIN_SEPARATOR(), statement)));
        coin.permit(owner, address(scheduler), 5, block.timestamp, v, r, s);
        assertEq(coin.allowance(owner, address(scheduler)), 5, "allowance");
    }
}
