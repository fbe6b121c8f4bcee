// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Sharded} from "./Sharded.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

/// @dev A job of five shards: one commitment covers all sketches, one of them is opened. And several steps in one message.
contract ShardsTest is Sharded {
    uint16 internal constant LITTLE = 20;

    /// @dev Seat 1 deviates far in shard 3 and a little in shard 2, beyond the threshold of a job of one shard.
    function toneOf(uint8 seat, uint16, uint256 shard) internal pure override returns (uint16) {
        if (seat == 1 && shard == 2) return uint16(100 * shard) + LITTLE;
        return seat == 1 && shard == 3 ? 30_000 : uint16(100 * shard);
    }

    function ready() internal returns (Play memory play) {
        play = submitted(ofShards(3));
        assigned(play);
        committed(play, 7, new uint16[](3));
    }

    function shardOpening(uint8 seat, uint256 shard) internal pure returns (IScheduler.Opening memory) {
        return shardOpening(seat, 0, shard);
    }

    function openings(uint256 shard) internal pure returns (IScheduler.Opening[] memory shown) {
        shown = new IScheduler.Opening[](3);
        for (uint8 i; i < 3; ++i) shown[i] = shardOpening(i, shard);
    }

    function test_the_verdict_names_the_shard_that_is_opened() public {
        Play memory play = ready();
        judged(play, 5, 3);
        assertEq(scheduler.job(play.jobId).shard, 3, "shard");
        IScheduler.Opening memory another = shardOpening(1, 2);
        vm.prank(play.roster[1].node);
        expectError(IScheduler.BadOpening.selector, 1);
        scheduler.contest(play.request, play.sealed_, another, "");
        IScheduler.Opening[] memory shown = openings(3);
        vm.prank(play.roster[1].node);
        scheduler.contest(play.request, play.sealed_, shown[1], "");
        scheduler.open(play.request, play.sealed_, shown);
        scheduler.resolve(play.request, play.sealed_, shown);
        assertEq(scheduler.node(play.roster[1].node).bad, 2048, "it deviated in that shard");
        assertSolvent();
    }

    function test_in_another_shard_it_would_have_been_right() public {
        Play memory play = ready();
        judged(play, 5, 4);
        IScheduler.Opening[] memory shown = openings(4);
        vm.prank(play.roster[1].node);
        scheduler.contest(play.request, play.sealed_, shown[1], "");
        scheduler.open(play.request, play.sealed_, shown);
        scheduler.resolve(play.request, play.sealed_, shown);
        assertEq(scheduler.client(theClient).bad, 2048, "the client lost");
    }

    function test_a_deviation_that_was_looked_for_does_not_lose() public {
        Play memory play = ready();
        judged(play, 5, 2);
        IScheduler.Opening[] memory shown = openings(2);
        (uint256 distance,) = scheduler.sketchDistance(shown[0].sketch, shown[1].sketch);
        assertTrue(distance > 1300 && distance <= 4000, vm.toString(distance));
        vm.prank(play.roster[1].node);
        scheduler.contest(play.request, play.sealed_, shown[1], "");
        scheduler.open(play.request, play.sealed_, shown);
        scheduler.resolve(play.request, play.sealed_, shown);
        assertEq(scheduler.node(play.roster[1].node).bad, 0, "it is cleared");
        assertEq(scheduler.client(theClient).bad, 2048, "the client lost");
        assertSolvent();
    }

    function test_without_a_verdict_the_lot_decides() public {
        Play memory play = ready();
        skip(play.request.settleWindow + 1);
        uint256 shard = shardByLot(play);
        for (uint256 i; i < SHARDS; ++i) {
            IScheduler.Opening[] memory shown = openings(i);
            if (i != shard) expectError(IScheduler.BadOpening.selector, 0);
            scheduler.open(play.request, play.sealed_, shown);
        }
        scheduler.resolve(play.request, play.sealed_, openings(shard));
        assertEq(stateOf(play), IScheduler.State.Settled, "state");
    }

    function test_reverts_BadShard_and_on_proofs_of_another_height() public {
        Play memory play = ready();
        vm.prank(theClient);
        expectError(IScheduler.BadShard.selector, 5);
        scheduler.settle(play.request, play.sealed_, 5, 5, "report", "");
        vm.prank(theClient);
        expectError(IScheduler.BadShard.selector, 5);
        scheduler.settle(play.request, play.sealed_, 7, 5, "report", "");
        judged(play, 5, 3);
        IScheduler.Opening memory long = shardOpening(1, 3);
        bytes32[] memory proof = new bytes32[](4);
        for (uint256 i; i < 3; ++i) proof[i] = long.proof[i];
        long.proof = proof;
        vm.prank(play.roster[1].node);
        expectError(IScheduler.BadOpening.selector, 1);
        scheduler.contest(play.request, play.sealed_, long, "");
    }

    function test_reverts_on_bad_terms() public {
        IScheduler.JobRequest memory request = aRequest(1);
        request.shards = 0;
        expectError(IScheduler.BadRequest.selector, 16);
        vm.prank(theClient);
        scheduler.submit(request, "");
        request.shards = 1;
        request.dataRoot = "root";
        expectError(IScheduler.BadRequest.selector, 18);
        vm.prank(theClient);
        scheduler.submit(request, "");
    }

    /* SEVERAL STEPS */

    function test_jobs_in_one_message() public {
        bytes[] memory calls = new bytes[](3);
        for (uint64 i; i < 3; ++i) {
            IScheduler.JobRequest memory request = aRequest(2);
            request.nonce = 10 + i;
            calls[i] = abi.encodeCall(scheduler.submit, (request, ""));
        }
        vm.prank(theClient);
        bytes[] memory ids = scheduler.multicall(calls);
        for (uint64 i; i < 3; ++i) assertEq(scheduler.job(abi.decode(ids[i], (bytes32))).state, IScheduler.State.Open, "open");
        assertSolvent();
        // The same once more is refused as a whole, with the error of the step.
        IScheduler.JobRequest memory fresh = aRequest(2);
        fresh.nonce = 99;
        calls[0] = abi.encodeCall(scheduler.submit, (fresh, ""));
        vm.prank(theClient);
        expectWrongState(IScheduler.State.Open);
        scheduler.multicall(calls);
        assertEq(scheduler.job(scheduler.jobIdOf(fresh)).state, IScheduler.State.None, "nothing happened");
    }

    function test_every_piece_is_reached_and_the_sender_stays_the_sender() public {
        Play memory play = ready();
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(scheduler.settle, (play.request, play.sealed_, 5, 3, "report", ""));
        calls[1] = abi.encodeCall(scheduler.withdraw, (false, theClient, COIN_1));
        expectBadSignature(theClient);
        scheduler.multicall(calls);
        vm.prank(theClient);
        scheduler.multicall(calls);
        assertEq(stateOf(play), IScheduler.State.Contestable, "rejected");
        assertEq(coin.balanceOf(theClient), COIN_1, "and withdrawn");
        calls = new bytes[](2);
        calls[0] = abi.encodeCall(scheduler.contest, (play.request, play.sealed_, shardOpening(1, 3), ""));
        calls[1] = abi.encodeCall(scheduler.open, (play.request, play.sealed_, openings(3)));
        vm.prank(play.roster[1].node);
        scheduler.multicall(calls);
        assertEq(scheduler.job(play.jobId).opened, 7, "opened");
    }
}
