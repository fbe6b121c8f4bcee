// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

/// @dev Ways that `node contracts/proofs/coverage.ts` found no other test to take.
contract BranchesTest is Life {
    function deadlock() internal returns (Play memory play) {
        play = assigned(2);
        uint16[] memory tones = new uint16[](2);
        tones[1] = 30_000;
        committed(play, 3, tones);
        skip(play.request.settleWindow + 1);
        opened(play, 3);
    }

    function test_a_seats_panel_that_nobody_joins_gives_its_coin_back() public {
        Play memory play = deadlock();
        address caller = play.roster[1].node;
        IScheduler.Opening[] memory openings = openingsOf(play, 3);
        vm.prank(caller);
        scheduler.summon(play.request, play.sealed_, openings, caller, "");
        assertEq(scheduler.node(caller).locked, STAKE + 3 * PRICE, "locked");
        skip(play.request.assignWindow + 1);
        scheduler.expire(play.request, play.roster);
        assertEq(scheduler.node(caller).locked, STAKE, "the stake alone");
        assertEq(scheduler.node(caller).free, 1000 * COIN_1 - STAKE, "given back");
        assertEq(stateOf(play), IScheduler.State.Committed, "as it was");
        assertSolvent();
    }

    function test_reverts_BadOrder_on_openings_of_an_uncontested_verdict() public {
        Play memory play = contestable(2, 1, new uint16[](2));
        skip(play.request.disputeWindow + 1);
        IScheduler.Opening[] memory openings = openingsOf(play, 1);
        expectError(IScheduler.BadOrder.selector);
        scheduler.resolve(play.request, play.sealed_, openings);
    }

    function test_reverts_BadOrder_on_openings_turned_round_or_repeated() public {
        Play memory play = committed(2);
        skip(play.request.settleWindow + 1);
        opened(play, 3);
        IScheduler.Opening[] memory openings = openingsOf(play, 3);
        (openings[0], openings[1]) = (openings[1], openings[0]);
        expectError(IScheduler.BadOrder.selector);
        scheduler.resolve(play.request, play.sealed_, openings);
        openings[0] = openings[1];
        expectError(IScheduler.BadOrder.selector);
        scheduler.resolve(play.request, play.sealed_, openings);
    }

    function test_reverts_BadShard_where_all_agreed_on_a_set() public {
        Play memory play = pledged(2);
        bytes[] memory signatures = setSignatures(play);
        vm.expectRevert(abi.encodeWithSelector(IScheduler.BadShard.selector, 1));
        vm.prank(theClient);
        scheduler.settleDirect(play.request, play.sealed_, signatures, 3, 1, "report", "");
    }

    function test_a_seat_that_carries_the_set_itself_need_not_sign() public {
        Play memory play = pledged(2);
        bytes[] memory signatures = setSignatures(play);
        signatures[1] = "";
        vm.expectRevert(abi.encodeWithSelector(IScheduler.BadSignature.selector, play.roster[1].node));
        vm.prank(play.roster[0].node);
        scheduler.commitSet(play.request, play.sealed_, new bytes32[](0), signatures);
        vm.prank(play.roster[1].node);
        scheduler.commitSet(play.request, play.sealed_, new bytes32[](0), signatures);
        assertEq(stateOf(play), IScheduler.State.Committed, "committed");
    }

    function test_two_commitments_are_proven_while_a_verdict_can_be_contested() public {
        Play memory play = contestable(2, 1, new uint16[](2));
        IScheduler.Pledge[2] memory pledges;
        for (uint256 i; i < 2; ++i) {
            pledges[i].commitments = new bytes32[](1);
            pledges[i].commitments[0] = bytes32(i + 1);
            pledges[i].signature = aCommitment(play.jobId, play.roster, 0, bytes32(i + 1)).signature;
        }
        scheduler.proveEquivocation(play.request, play.sealed_, 0, pledges[0], pledges[1]);
        skip(play.request.disputeWindow + 1);
        resolved(play, 0);
        assertEq(scheduler.node(play.roster[0].node).free, 1000 * COIN_1 - STAKE, "the stake");
        assertSolvent();
    }

    /// @dev Of a job without inputs a claim says nothing: it does not move the draw, and there is nothing to prove.
    function test_a_claim_to_hold_the_input_of_a_job_without_any() public {
        Play memory play = submitted(1);
        vm.roll(vm.getBlockNumber() + 2);
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](1);
        bids[0] = aClaim(keys[0], play.jobId, PRICE, 10_000, bytes16("made up"), scheduler.seedOf(play.jobId), 0);
        assigned(play, bids);
        batchOf(play, 1, new uint16[](1));
        expectError(IScheduler.NoFalseClaim.selector);
        scheduler.proveFalseClaim(play.request, play.sealed_, 0, bids[0], new bytes[](8), new bytes32[][](8));
    }

    function small(bytes memory content) internal returns (Play memory play, IScheduler.Bid[] memory bids) {
        IScheduler.JobRequest memory request = aRequest(1);
        (request.dataRoot, request.dataBytes) = (sha256(abi.encodePacked(bytes1(0x00), content)), uint64(content.length));
        play = submitted(request);
        vm.roll(vm.getBlockNumber() + 2);
        bids = new IScheduler.Bid[](1);
        bids[0] = aClaim(keys[0], play.jobId, PRICE, 10_000, bytes16("made up"), scheduler.seedOf(play.jobId), 0);
        assigned(play, bids);
        batchOf(play, 1, new uint16[](1));
    }

    /// @dev Of an input of one chunk the tree is its leaf, and all eight picks are the same.
    function test_a_false_claim_to_hold_one_chunk() public {
        (Play memory play, IScheduler.Bid[] memory bids) = small("some input");
        bytes[] memory chunks = new bytes[](8);
        for (uint256 i; i < 8; ++i) chunks[i] = "some input";
        vm.expectRevert(abi.encodeWithSelector(IScheduler.BadChunk.selector, 8));
        scheduler.proveFalseClaim(play.request, play.sealed_, 0, bids[0], chunks, new bytes32[][](7));
        scheduler.proveFalseClaim(play.request, play.sealed_, 0, bids[0], chunks, new bytes32[][](8));
        assertEq(scheduler.job(play.jobId).equivocated, 1, "proven");
    }

    /// @dev A profile alone makes a node known; what comes after is no later start.
    function test_a_profile_before_any_stake_makes_a_node_known() public {
        scheduler.register(0, "profile");
        assertEq(scheduler.node(address(this)).since, block.timestamp, "known");
        skip(10);
        scheduler.register(0, "another");
        assertEq(scheduler.node(address(this)).since, block.timestamp - 10, "once");
    }

    /// @dev Input whose root and size do not go together: a chunk that is in the tree, but not as long, or not as deep, as the size says.
    function oddShape(bytes32 root, uint64 size, bytes32[] memory proof) internal {
        IScheduler.JobRequest memory request = aRequest(1);
        (request.dataRoot, request.dataBytes) = (root, size);
        Play memory play = submitted(request);
        vm.roll(vm.getBlockNumber() + 2);
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](1);
        bids[0] = aClaim(keys[0], play.jobId, PRICE, 10_000, bytes16("made up"), scheduler.seedOf(play.jobId), 0);
        assigned(play, bids);
        batchOf(play, 1, new uint16[](1));
        (bytes[] memory chunks, bytes32[][] memory proofs) = (new bytes[](8), new bytes32[][](8));
        for (uint256 i; i < 8; ++i) (chunks[i], proofs[i]) = ("some input", proof);
        vm.expectRevert(abi.encodeWithSelector(IScheduler.BadChunk.selector, 0));
        scheduler.proveFalseClaim(play.request, play.sealed_, 0, bids[0], chunks, proofs);
    }

    function test_a_chunk_of_another_length_proves_nothing() public {
        oddShape(sha256(abi.encodePacked(bytes1(0x00), "some input")), 11, new bytes32[](0));
    }

    function test_a_chunk_at_another_depth_proves_nothing() public {
        bytes32[] memory proof = new bytes32[](1);
        oddShape(sha256(abi.encodePacked(bytes1(0x01), sha256(abi.encodePacked(bytes1(0x00), "some input")), proof[0])), 10, proof);
    }
}
