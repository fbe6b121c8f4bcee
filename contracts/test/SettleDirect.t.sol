// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

/// @dev Commitments and verdict in one message, under everybody's signature over the set.
contract SettleDirectTest is Life {
    function test_all_agreed_settles_at_once_and_stores_no_commitment() public {
        Play memory play = pledged(3);
        uint256 sum;
        for (uint256 i; i < 3; ++i) sum += play.roster[i].price;
        vm.expectEmit(address(scheduler));
        emit IScheduler.Settled(play.jobId, 21, sum, 0);
        settledDirectly(play, 7);

        for (uint256 i; i < 3; ++i) {
            IScheduler.Party memory party = scheduler.node(play.roster[i].node);
            assertEq(party.free, 1000 * COIN_1 + play.roster[i].price, "paid");
            assertEq(party.locked, 0, "unlocked");
            assertEq(party.good, 256, "good");
        }
        assertEq(scheduler.client(theClient).free, 1000 * COIN_1 - sum, "refund");
        assertEq(scheduler.client(theClient).good, 256, "client good");
        IScheduler.Job memory job = scheduler.job(play.jobId);
        assertEq(job.state, IScheduler.State.Settled, "state");
        assertEq(job.committed, 7, "committed");
        assertEq(job.rosterHash, 0, "cleared");
        assertSolvent();
    }

    function test_a_rejection_makes_it_contestable_with_the_sets_commitments() public {
        Play memory play = pledged(3);
        skip(5);
        bytes32[] memory commitments = new bytes32[](3);
        for (uint256 i; i < 3; ++i) commitments[i] = play.sealed_[i].commitment;
        vm.expectEmit(address(scheduler));
        emit IScheduler.SetPosted(play.jobId, commitments);
        vm.expectEmit(address(scheduler));
        emit IScheduler.VerdictPosted(play.jobId, 5, 0, "report");
        settledDirectly(play, 5);
        IScheduler.Job memory job = scheduler.job(play.jobId);
        assertEq(job.state, IScheduler.State.Contestable, "state");
        assertEq(job.agreed, 5, "agreed");
        assertEq(job.committed, 7, "committed");
        assertEq(job.since, vm.getBlockTimestamp(), "since");
        assertEq(job.rosterHash, keccak256(abi.encode(play.sealed_)), "sealed roster");

        // From here it is a dispute like any other.
        contested(play, 1);
        opened(play, 5);
        resolved(play, 7);
        assertEq(scheduler.client(theClient).bad, 2048, "the client lost it");
        assertEq(scheduler.node(play.roster[1].node).free, 1000 * COIN_1 + play.roster[1].price + PRICE, "its bond");
        assertSolvent();
    }

    function test_what_was_posted_one_by_one_gives_way() public {
        Play memory play = pledged(3);
        IScheduler.SignedCommitment[] memory other = new IScheduler.SignedCommitment[](1);
        other[0] = aCommitment(play.jobId, play.roster, 1, "another commitment");
        scheduler.commit(play.request, play.roster, other);
        assertEq(scheduler.commitmentAt(play.jobId, 1), "another commitment", "posted");
        settledDirectly(play, 7);
        assertEq(scheduler.commitmentAt(play.jobId, 1), 0, "forgotten");
        assertEq(stateOf(play), IScheduler.State.Settled, "state");
        assertSolvent();
    }

    function test_carried_by_anyone_with_the_clients_signature() public {
        Play memory play = pledged(3);
        bytes[] memory signatures = setSignatures(play);
        bytes memory signature = signVerdict(play.jobId, play.sealed_, 7);
        vm.prank(CARRIER);
        scheduler.settleDirect(play.request, play.sealed_, signatures, 7, 0, "report", signature);
        assertEq(stateOf(play), IScheduler.State.Settled, "state");
    }

    function test_a_verdict_on_other_commitments_is_no_verdict() public {
        Play memory play = pledged(3);
        bytes[] memory signatures = setSignatures(play);
        play.sealed_[2].commitment = "another";
        bytes memory onAnother = signVerdict(play.jobId, play.sealed_, 7);
        play.sealed_[2].commitment = sealedHash(play.jobId, play.roster[2].node, play.openings[2]);
        expectBadSignature(theClient);
        scheduler.settleDirect(play.request, play.sealed_, signatures, 7, 0, "report", onAnother);
    }

    function test_reverts_BadSignature_of_any_seat() public {
        Play memory play = pledged(3);
        for (uint256 i; i < 3; ++i) {
            bytes[] memory signatures = setSignatures(play);
            signatures[i] = malleated(signatures[i]);
            refused(play, signatures, play.roster[i].node);
            signatures[i] = "";
            refused(play, signatures, play.roster[i].node);
            signatures[i] = setSignatures(play)[(i + 1) % 3];
            refused(play, signatures, play.roster[i].node);
            // A signature over a commitment is none over a set, nor one over another job's set, or another chain's.
            signatures[i] = aCommitment(play.jobId, play.roster, uint8(i), play.sealed_[i].commitment).signature;
            refused(play, signatures, play.roster[i].node);
            signatures[i] = signSet("another job", play.sealed_, i);
            refused(play, signatures, play.roster[i].node);
            bytes32 here = domain;
            domain = keccak256("another chain");
            signatures[i] = signSet(play.jobId, play.sealed_, i);
            domain = here;
            refused(play, signatures, play.roster[i].node);
        }
    }

    function refused(Play memory play, bytes[] memory signatures, address expected) internal {
        expectBadSignature(expected);
        vm.prank(theClient);
        scheduler.settleDirect(play.request, play.sealed_, signatures, 7, 0, "report", "");
    }

    function test_reverts_BadSignature_of_the_client() public {
        Play memory play = pledged(1);
        bytes[] memory signatures = setSignatures(play);
        expectBadSignature(theClient);
        vm.prank(CARRIER);
        scheduler.settleDirect(play.request, play.sealed_, signatures, 1, 0, "report", "");
    }

    function test_reverts_BadRoster() public {
        Play memory play = pledged(3);
        bytes[] memory signatures = setSignatures(play);
        play.sealed_[0].price += 1;
        expectError(IScheduler.BadRoster.selector);
        vm.prank(theClient);
        scheduler.settleDirect(play.request, play.sealed_, signatures, 7, 0, "report", "");
        play.sealed_[0].price -= 1;
        expectError(IScheduler.BadRoster.selector);
        vm.prank(theClient);
        scheduler.settleDirect(play.request, play.sealed_, new bytes[](2), 7, 0, "report", "");
    }

    function test_reverts_BadVerdict() public {
        Play memory play = pledged(3);
        expectError(IScheduler.BadVerdict.selector, 8, 7);
        this.direct(play, 8);
    }

    function test_reverts_TooLate_and_WrongState() public {
        Play memory play = pledged(3);
        uint256 deadline = scheduler.job(play.jobId).since + play.request.commitWindow;
        uint256 now_ = vm.getBlockTimestamp();
        vm.warp(deadline + 1);
        expectError(IScheduler.TooLate.selector, deadline);
        this.direct(play, 7);
        vm.warp(now_);
        committedAsSet(play);
        expectWrongState(IScheduler.State.Committed);
        this.direct(play, 7);
        settled(play, 7);
        expectWrongState(IScheduler.State.Settled);
        this.direct(play, 7);
    }

    function test_in_the_last_second() public {
        Play memory play = pledged(1);
        vm.warp(scheduler.job(play.jobId).since + play.request.commitWindow);
        settledDirectly(play, 1);
        assertEq(stateOf(play), IScheduler.State.Settled, "state");
    }

    function direct(Play memory play, uint16 agreed) external {
        bytes[] memory signatures = setSignatures(play);
        vm.prank(theClient);
        scheduler.settleDirect(play.request, play.sealed_, signatures, agreed, 0, "report", "");
    }

    /// @dev Nobody ends up otherwise than step by step.
    function testFuzz_pays_and_rates_as_step_by_step(uint8 replicas, uint16 agreed) public {
        replicas = replicas % 15 + 1;
        agreed &= all(replicas);
        Play memory one = pledged(replicas);
        settledDirectly(one, agreed);
        Play memory other;
        other.request = aRequest(replicas);
        other.request.nonce = 2;
        other = submitted(other.request);
        // Before the one is closed: it would change the weights of the nodes.
        vm.roll(vm.getBlockNumber() + 2);
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](replicas);
        for (uint256 i; i < replicas; ++i) bids[i] = aBid(keys[i], other.jobId, PRICE);
        assigned(other, bids);
        committed(other, all(replicas), new uint16[](replicas));
        settled(other, agreed);
        IScheduler.Job memory a = scheduler.job(one.jobId);
        IScheduler.Job memory b = scheduler.job(other.jobId);
        assertEq(a.state, b.state, "state");
        assertEq(a.agreed, b.agreed, "agreed");
        assertEq(a.committed, b.committed, "committed");
        if (a.state == IScheduler.State.Contestable) {
            skip(3 hours + 1);
            resolved(one, 0);
            resolved(other, 0);
        }
        IScheduler.Party memory client = scheduler.client(theClient);
        assertEq(client.locked, 0, "nothing locked");
        assertEq(client.good, 512, "rated twice");
        assertSolvent();
    }
}
