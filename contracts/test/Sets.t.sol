// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";
import {StatementLib} from "../src/libraries/StatementLib.sol";

/// @dev What a signed set is good for when somebody does not keep to it: `commitSet` and `proveEquivocation`.
contract SetsTest is Life {
    /* COMMIT SET */

    function test_any_holder_closes_an_assigned_job() public {
        Play memory play = pledged(3);
        skip(7);
        committedAsSet(play);
        IScheduler.Job memory job = scheduler.job(play.jobId);
        assertEq(job.state, IScheduler.State.Committed, "state");
        assertEq(job.committed, 7, "committed");
        assertEq(job.since, vm.getBlockTimestamp(), "since");
        settled(play, 7);
        assertEq(stateOf(play), IScheduler.State.Settled, "state");
        assertSolvent();
    }

    function test_a_client_that_goes_silent_after_the_evidence_pays_its_bond() public {
        Play memory play = pledged(3);
        skip(play.request.commitWindow);
        committedAsSet(play);
        skip(play.request.settleWindow + 1);
        opened(play, 7);
        resolved(play, 7);
        assertEq(scheduler.client(theClient).bad, 1024, "silent");
        assertEq(scheduler.node(play.roster[2].node).good, 256, "paid by the contract's own majority");
        assertSolvent();
    }

    /// @dev Seat 1 signed the set, saw to it that the others' evidence came out, and posts another commitment.
    function twoFaced() internal returns (Play memory play, bytes32[] memory posted) {
        play = pledged(3);
        posted = new bytes32[](3);
        IScheduler.SignedCommitment[] memory batch = new IScheduler.SignedCommitment[](3);
        for (uint8 i; i < 3; ++i) {
            posted[i] = i == 1 ? bytes32("a copy") : play.sealed_[i].commitment;
            batch[i] = aCommitment(play.jobId, play.roster, i, posted[i]);
        }
        batch[1].signature = "";
        vm.prank(play.roster[1].node);
        scheduler.commit(play.request, play.roster, batch);
        assertEq(stateOf(play), IScheduler.State.Committed, "closed with the copy");
    }

    function test_the_set_overrides_what_was_posted_against_it() public {
        (Play memory play, bytes32[] memory posted) = twoFaced();
        uint256 since = scheduler.job(play.jobId).since;
        skip(60);
        bytes[] memory signatures = setSignatures(play);
        scheduler.commitSet(play.request, play.sealed_, posted, signatures);
        IScheduler.Job memory job = scheduler.job(play.jobId);
        assertEq(job.state, IScheduler.State.Committed, "state");
        assertEq(job.since, since, "no time is won");
        assertEq(job.rosterHash, keccak256(abi.encode(play.sealed_)), "the set's roster");
        settled(play, 7);
        assertSolvent();
    }

    function test_override_reverts_TooLate() public {
        (Play memory play, bytes32[] memory posted) = twoFaced();
        bytes[] memory signatures = setSignatures(play);
        uint256 deadline = scheduler.job(play.jobId).since + play.request.settleWindow;
        vm.warp(deadline + 1);
        expectError(IScheduler.TooLate.selector, deadline);
        scheduler.commitSet(play.request, play.sealed_, posted, signatures);
    }

    function test_the_absent_stay_absent() public {
        Play memory play = pledged(3);
        bytes[] memory signatures = setSignatures(play);
        committedAfterWindow(play, 5, new uint16[](3));
        bytes32[] memory posted = new bytes32[](3);
        (posted[0], posted[2]) = (play.sealed_[0].commitment, play.sealed_[2].commitment);
        IScheduler.SealedSeat[] memory full = play.sealed_;
        full[1].commitment = sealedHash(play.jobId, play.roster[1].node, play.openings[1]);
        expectWrongState(IScheduler.State.Committed);
        scheduler.commitSet(play.request, full, posted, signatures);
    }

    function test_commitSet_reverts() public {
        Play memory play = pledged(3);
        bytes[] memory signatures = setSignatures(play);
        bytes[] memory bad = setSignatures(play);
        bad[2] = malleated(bad[2]);
        bytes32[] memory none = new bytes32[](0);
        expectBadSignature(play.roster[2].node);
        scheduler.commitSet(play.request, play.sealed_, none, bad);
        expectError(IScheduler.BadRoster.selector);
        scheduler.commitSet(play.request, play.sealed_, none, new bytes[](2));
        play.sealed_[0].price += 1;
        expectError(IScheduler.BadRoster.selector);
        scheduler.commitSet(play.request, play.sealed_, none, signatures);
        play.sealed_[0].price -= 1;
        uint256 deadline = scheduler.job(play.jobId).since + play.request.commitWindow;
        vm.warp(deadline + 1);
        expectError(IScheduler.TooLate.selector, deadline);
        scheduler.commitSet(play.request, play.sealed_, none, signatures);
        vm.warp(deadline);
        scheduler.commitSet(play.request, play.sealed_, none, signatures);
        expectError(IScheduler.BadRoster.selector);
        scheduler.commitSet(play.request, play.sealed_, none, signatures);
        bytes32[] memory wrong = new bytes32[](3);
        expectError(IScheduler.BadRoster.selector);
        scheduler.commitSet(play.request, play.sealed_, wrong, signatures);
        settled(play, 3);
        expectWrongState(IScheduler.State.Contestable);
        scheduler.commitSet(play.request, play.sealed_, none, signatures);
    }

    /* EQUIVOCATION */

    function own(Play memory play, uint8 index, bytes32 commitment) internal view returns (IScheduler.Pledge memory pledge) {
        pledge.commitments = new bytes32[](1);
        pledge.commitments[0] = commitment;
        pledge.signature = aCommitment(play.jobId, play.roster, index, commitment).signature;
    }

    /// @dev The set with another commitment of one seat, signed by `index`.
    function set(Play memory play, uint8 index, uint8 changed, bytes32 commitment) internal view returns (IScheduler.Pledge memory pledge) {
        pledge.isSet = true;
        pledge.commitments = new bytes32[](play.roster.length);
        IScheduler.SealedSeat[] memory roster = new IScheduler.SealedSeat[](play.roster.length);
        for (uint256 i; i < roster.length; ++i) {
            bytes32 known = sealedHash(play.jobId, play.roster[i].node, play.openings[i]);
            pledge.commitments[i] = i == changed ? commitment : known;
            roster[i] = IScheduler.SealedSeat(play.roster[i].node, play.roster[i].price, pledge.commitments[i]);
        }
        pledge.signature = signSet(play.jobId, roster, index);
    }

    function unchanged(Play memory play, uint8 index) internal view returns (IScheduler.Pledge memory) {
        return set(play, index, 255, 0);
    }

    function prove(Play memory play, uint8 index, IScheduler.Pledge memory first, IScheduler.Pledge memory second) internal {
        vm.prank(CARRIER);
        scheduler.proveEquivocation(play.request, play.sealed_, index, first, second);
    }

    function honest(Play memory play, uint8 index) internal pure returns (bytes32) {
        return sealedHash(play.jobId, play.roster[index].node, play.openings[index]);
    }

    function test_two_commitments_cost_the_stake_which_goes_to_the_others() public {
        Play memory play = committed(3);
        vm.expectEmit(address(scheduler));
        emit IScheduler.EquivocationProven(play.jobId, 1);
        prove(play, 1, own(play, 1, "one"), own(play, 1, "two"));
        assertEq(scheduler.job(play.jobId).equivocated, 2, "convicted");
        uint256 others = uint256(play.roster[0].price) + play.roster[2].price;
        vm.expectEmit(address(scheduler));
        emit IScheduler.Settled(play.jobId, 1 | 2 << 2 | 1 << 4, others, STAKE);
        // Whatever the client says of it.
        settled(play, 7);
        assertEq(scheduler.node(play.roster[1].node).free, 1000 * COIN_1 - STAKE, "its stake");
        assertEq(scheduler.node(play.roster[1].node).locked, 0, "locked");
        assertEq(scheduler.node(play.roster[1].node).bad, 2048, "bad");
        assertEq(scheduler.node(play.roster[0].node).free, 1000 * COIN_1 + play.roster[0].price + STAKE / 2, "half");
        assertEq(scheduler.node(play.roster[2].node).free, 1000 * COIN_1 + play.roster[2].price + STAKE / 2, "half");
        assertEq(scheduler.client(theClient).free, 1000 * COIN_1 - others, "nothing for the client");
        assertSolvent();
    }

    function test_it_need_not_be_named_in_the_verdict() public {
        Play memory play = committed(3);
        prove(play, 1, own(play, 1, "one"), own(play, 1, "two"));
        settled(play, 5);
        assertEq(stateOf(play), IScheduler.State.Settled, "at once");
        assertSolvent();
    }

    function test_every_pair_that_contradicts_itself_convicts() public {
        for (uint256 i; i < 4; ++i) {
            Play memory play;
            play.request = aRequest(3);
            play.request.nonce = uint64(10 + i);
            play = submitted(play.request);
            assigned(play);
            committed(play, 7, new uint16[](3));
            if (i == 0) prove(play, 0, own(play, 0, honest(play, 0)), own(play, 0, "two"));
            if (i == 1) prove(play, 0, unchanged(play, 0), own(play, 0, "two"));
            if (i == 2) prove(play, 0, own(play, 0, "two"), unchanged(play, 0));
            // Its own commitment is the same in both sets.
            if (i == 3) prove(play, 0, unchanged(play, 0), set(play, 0, 2, "two"));
            assertEq(scheduler.job(play.jobId).equivocated, 1, "convicted");
        }
    }

    function test_nothing_honest_convicts() public {
        Play memory play = committed(3);
        this.fails(play, 0, own(play, 0, honest(play, 0)), own(play, 0, honest(play, 0)), IScheduler.NoEquivocation.selector);
        this.fails(play, 0, own(play, 0, honest(play, 0)), unchanged(play, 0), IScheduler.NoEquivocation.selector);
        this.fails(play, 0, unchanged(play, 0), unchanged(play, 0), IScheduler.NoEquivocation.selector);
        // That another seat's commitment is another one in the set than on chain is not this node's fault.
        this.fails(play, 0, set(play, 0, 1, "two"), own(play, 0, honest(play, 0)), IScheduler.NoEquivocation.selector);
    }

    function fails(Play memory play, uint8 index, IScheduler.Pledge memory first, IScheduler.Pledge memory second, bytes4 why) external {
        expectError(why);
        prove(play, index, first, second);
    }

    function test_forged_pledges_convict_nobody() public {
        Play memory play = committed(3);
        IScheduler.Pledge memory good = own(play, 0, "one");
        IScheduler.Pledge memory forged = own(play, 0, "two");
        forged.signature = malleated(forged.signature);
        expectBadSignature(play.roster[0].node);
        prove(play, 0, good, forged);
        forged.signature = "";
        expectBadSignature(play.roster[0].node);
        prove(play, 0, good, forged);
        forged = own(play, 1, "two");
        expectBadSignature(play.roster[0].node);
        prove(play, 0, good, forged);
        // A commitment to another job is none to this one.
        Play memory other = play;
        bytes32 here = play.jobId;
        other.jobId = "another job";
        forged = own(other, 0, "two");
        play.jobId = here;
        expectBadSignature(play.roster[0].node);
        prove(play, 0, good, forged);
    }

    function test_proveEquivocation_reverts() public {
        Play memory play = pledged(3);
        IScheduler.Pledge memory one = own(play, 0, "one");
        IScheduler.Pledge memory two = own(play, 0, "two");
        expectWrongState(IScheduler.State.Assigned);
        prove(play, 0, one, two);
        committedAfterWindow(play, 5, new uint16[](3));
        expectError(IScheduler.BadIndex.selector, 3);
        prove(play, 3, one, two);
        expectError(IScheduler.NotCommitted.selector, 1);
        prove(play, 1, one, two);
        two.commitments = new bytes32[](2);
        expectError(IScheduler.BadRoster.selector);
        prove(play, 0, one, two);
        two = own(play, 0, "two");
        two.isSet = true;
        expectError(IScheduler.BadRoster.selector);
        prove(play, 0, one, two);
        two.isSet = false;
        prove(play, 0, one, two);
        expectError(IScheduler.NoEquivocation.selector);
        prove(play, 0, one, two);
        bytes32 kept = play.sealed_[0].commitment;
        play.sealed_[0].commitment = "one";
        expectError(IScheduler.BadRoster.selector);
        prove(play, 0, one, two);
        play.sealed_[0].commitment = kept;
        settled(play, 5);
        expectWrongState(IScheduler.State.Settled);
        prove(play, 2, one, two);
    }

    function test_convicted_in_a_dispute_it_loses_stake_and_bond() public {
        Play memory play = contestable(3, 5, new uint16[](3));
        contested(play, 1);
        prove(play, 1, own(play, 1, "one"), own(play, 1, "two"));
        opened(play, 5);
        resolved(play, 7);
        assertEq(scheduler.node(play.roster[1].node).free, 1000 * COIN_1 - STAKE - PRICE, "stake and bond");
        assertEq(scheduler.client(theClient).bad, 0, "the client was right");
        assertEq(scheduler.node(play.roster[0].node).free, 1000 * COIN_1 + play.roster[0].price + STAKE / 2, "half");
        assertSolvent();
    }

    function test_alone_its_stake_is_burnt() public {
        Play memory play = committed(1);
        prove(play, 0, own(play, 0, "one"), own(play, 0, "two"));
        settled(play, 1);
        assertEq(coin.balanceOf(GRAVE), STAKE, "burnt");
        assertEq(scheduler.client(theClient).free, 1000 * COIN_1, "nothing for the client");
        assertSolvent();
    }

    function testFuzz_conserves_coin(uint8 replicas, uint16 guilty, uint16 agreed, uint16 opens, bool silent) public {
        replicas = replicas % 7 + 1;
        Play memory play = pledged(replicas);
        committedAsSet(play);
        for (uint8 i; i < replicas; ++i) {
            if (guilty >> i & 1 == 1) prove(play, i, own(play, i, "one"), unchanged(play, i));
        }
        if (silent) {
            skip(play.request.settleWindow + 1);
            opened(play, opens & all(replicas));
            // Where all are guilty there is no majority, and a panel could be called for.
            skip(play.request.disputeWindow + play.request.assignWindow);
            resolved(play, opens & all(replicas));
        } else {
            settled(play, agreed & all(replicas));
            if (stateOf(play) == IScheduler.State.Contestable) {
                skip(play.request.disputeWindow + 1);
                resolved(play, 0);
            }
        }
        for (uint256 i; i < replicas; ++i) {
            IScheduler.Party memory party = scheduler.node(play.roster[i].node);
            assertEq(party.locked, 0, "unlocked");
            if (guilty >> i & 1 == 1) assertEq(party.free, 1000 * COIN_1 - STAKE, "lost it");
        }
        assertEq(scheduler.client(theClient).locked, 0, "unlocked");
        assertTrue(scheduler.client(theClient).free <= 1000 * COIN_1, "never a gain for the client");
        assertSolvent();
    }
}
