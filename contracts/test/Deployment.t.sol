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
        assertTrue(scheduler.CHECKS().code.length <= MAX_CODE, "checks");
        assertTrue(address(coin).code.length <= MAX_CODE, "coin");
    }

    function test_the_checks_code_alone_knows_no_job() public {
        IScheduler checks = IScheduler(scheduler.CHECKS());
        expectWrongState(IScheduler.State.None);
        checks.expire(aRequest(1), new IScheduler.Seat[](0));
        expectWrongState(IScheduler.State.None);
        checks.postBids(aRequest(1), new IScheduler.Seat[](0), new IScheduler.Bid[](0));
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
        assertEq(scheduler.CHECK_BPS(), 5000, "check");
        assertEq(scheduler.INFORMER_BPS(), 1000, "informer");
        assertEq(scheduler.WIDENING_BLOCKS(), 3, "blocks to post in");
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

    function test_reverts_on_pieces_made_for_another_scheduler() public {
        address hashes = deployRandomness("BlockHash");
        address[3] memory others =
            [deployPiece("Checks", deployCoin(), hashes, 1), deployPiece("Checks", coin, deployRandomness("Drand"), 1), deployPiece("Checks", coin, hashes, 2)];
        address good = deployPiece("Disputes", coin, hashes, 1);
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert();
            deployScheduler(coin, hashes, 1, 1, 1, good, others[i]);
            vm.expectRevert();
            deployScheduler(coin, hashes, 1, 1, 1, others[i], good);
        }
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
