// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Widened} from "./Widened.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";
import {StatementLib} from "../src/libraries/StatementLib.sol";

/// @dev Audits and panels: from k to 2k + 1 seats.
contract WideningTest is Widened {
    uint88 internal constant STAKE_48 = 48e18;

    /* HELPERS */

    /// @dev Committed, all bids at PRICE; the nodes are keys[0] to keys[replicas - 1].
    function ready(uint8 replicas, uint16[] memory t) internal returns (Play memory) {
        IScheduler.JobRequest memory request = aRequest(replicas);
        request.stake = STAKE_48;
        return drawn(request, t);
    }

    function single(uint16 tone) internal returns (Play memory) {
        return ready(1, tones(tone, 0, 0, 0, 0));
    }

    /// @dev All opened, with a silent client.
    function deadlock(uint16 a, uint16 b) internal returns (Play memory play) {
        play = ready(2, tones(a, b, 0, 0, 0));
        skip(play.request.settleWindow + 1);
        opened(play, 3);
    }

    /// @dev An audited job with all three commitments.
    function checked(uint16[] memory t) internal returns (Play memory play) {
        play = single(t[0]);
        audited(play);
        widened(play, t);
        newcomersCommit(play, 6, t);
    }

    function free(address account) internal view returns (uint256) {
        return scheduler.node(account).free;
    }

    /// @dev Differences to what everybody had, in tenths of a coin.
    function assertSums(Play memory play, int256 purse, int256[5] memory nodes, uint256 burnt) internal view {
        for (uint256 i; i < play.roster.length; ++i) {
            assertEq(free(play.roster[i].node), uint256(int256(1000e18) + nodes[i] * 1e17), string.concat("seat ", vm.toString(i)));
            assertEq(scheduler.node(play.roster[i].node).locked, 0, "unlocked");
        }
        IScheduler.Party memory party = scheduler.client(theClient);
        assertEq(party.free, uint256(int256(1000e18) + purse * 1e17), "client");
        assertEq(party.locked, 0, "escrow");
        assertEq(coin.balanceOf(GRAVE), burnt * 1e17, "burnt");
        assertEq(stateOf(play), IScheduler.State.Settled, "state");
        assertSolvent();
    }

    function settledAfterWindow(Play memory play, uint16 agreed) internal {
        settled(play, agreed);
        if (stateOf(play) == IScheduler.State.Settled) return;
        skip(play.request.disputeWindow + 1);
        resolved(play, 0);
    }

    /* AUDIT */

    function test_an_audit_locks_and_waits_for_a_new_seed() public {
        Play memory play = single(0);
        vm.expectEmit(address(scheduler));
        emit IScheduler.WideningCalled(play.jobId, theClient, true, uint48(vm.getBlockNumber() + 1));
        audited(play);
        IScheduler.Job memory job = scheduler.job(play.jobId);
        assertEq(job.state, IScheduler.State.Widening, "state");
        assertEq(uint256(job.seedBlock), vm.getBlockNumber() + 1, "seed block");
        assertEq(job.widening, 1, "the client's");
        assertEq(job.committed, 1, "committed");
        assertEq(job.rosterHash, keccak256(abi.encode(play.roster)), "roster");
        assertEq(scheduler.commitmentAt(play.jobId, 0), play.sealed_[0].commitment, "commitment kept");
        assertEq(scheduler.client(theClient).locked, 4 * PRICE, "locked");
        vm.roll(vm.getBlockNumber() + 2);
        bytes32 seed = keccak256(abi.encode(blockhash(job.seedBlock), play.jobId));
        assertEq(scheduler.seedOf(play.jobId), seed, "seed");
    }

    function test_an_audit_in_vain_costs_the_newcomers_prices() public {
        Play memory play = checked(tones(0, 0, 0, 0, 0));
        settled(play, 7);
        assertSums(play, -300, [int256(100), 100, 100, 0, 0], 0);
        assertEq(scheduler.node(play.roster[0].node).good, 256, "no longer alone");
    }

    function test_a_caught_cheat_pays_the_audit() public {
        // Half of 48 is 24: 20 for the newcomers, 2.4 for the client, 1.6 burnt.
        Play memory play = checked(tones(FAR, 0, 0, 0, 0));
        settledAfterWindow(play, 6);
        assertSums(play, 24, [int256(-240), 100, 100, 0, 0], 16);
        assertEq(scheduler.node(play.roster[0].node).bad, 2048, "rated");
    }

    function test_a_cheat_that_contests_loses_its_bond_too() public {
        Play memory play = checked(tones(FAR, 0, 0, 0, 0));
        settled(play, 6);
        contested(play, 0);
        opened(play, 6);
        resolved(play, 7);
        // The bond goes to the client, as ever.
        assertSums(play, 124, [int256(-340), 100, 100, 0, 0], 16);
    }

    function test_an_honest_node_wrongly_rejected_after_an_audit_wins() public {
        Play memory play = checked(tones(0, 0, 0, 0, 0));
        settled(play, 6);
        contested(play, 0);
        opened(play, 6);
        resolved(play, 7);
        assertSums(play, -400, [int256(200), 100, 100, 0, 0], 0);
        assertEq(scheduler.client(theClient).bad, 2048, "lost");
    }

    function test_a_client_at_fault_gains_nothing_from_the_check_it_called() public {
        // Seat 2 deviates, but the client rejected seat 0 as well, which contests: the client bears the newcomer's price and its bond.
        Play memory play = checked(tones(0, 0, FAR, 0, 0));
        settled(play, 2);
        contested(play, 0);
        opened(play, 6);
        resolved(play, 7);
        assertSums(play, -300, [int256(200), 100, -240, 0, 0], 240);
    }

    function test_a_newcomer_that_deviates_loses_as_much() public {
        Play memory play = checked(tones(0, 0, FAR, 0, 0));
        settledAfterWindow(play, 3);
        // 10 for the one paid newcomer, 2.4 for the client, 11.6 burnt; the client pays the first seat.
        assertSums(play, -100 + 24, [int256(100), 100, -240, 0, 0], 116);
    }

    function test_a_client_that_rejects_everybody_convicts_nobody() public {
        Play memory play = checked(tones(0, 0, 0, 0, 0));
        settledAfterWindow(play, 0);
        assertSums(play, 0, [int256(0), 0, 0, 0, 0], 0);
        assertEq(scheduler.node(play.roster[0].node).bad, 1024, "deviated, by the client's word");
    }

    function test_one_against_one_convicts_nobody() public {
        Play memory play = single(0);
        audited(play);
        widened(play, tones(0, FAR, 0, 0, 0));
        newcomersCommit(play, 2, tones(0, FAR, 0, 0, 0));
        skip(play.request.commitWindow + 1);
        scheduler.expire(play.request, play.roster);
        batchOf(play, 3, tones(0, FAR, 0, 0, 0));
        settledAfterWindow(play, 2);
        // The absent newcomer's 12 go to the client.
        assertSums(play, 120 - 100, [int256(0), 100, -120, 0, 0], 0);
    }

    function test_newcomers_that_do_not_come_leave_the_job_as_it_was() public {
        Play memory play = single(0);
        audited(play);
        widened(play, tones(0, 0, 0, 0, 0));
        skip(play.request.commitWindow + 1);
        scheduler.expire(play.request, play.roster);
        batchOf(play, 1, tones(0, 0, 0, 0, 0));
        assertEq(stateOf(play), IScheduler.State.Committed, "state");
        settled(play, 1);
        assertSums(play, 240 - 100, [int256(100), -120, -120, 0, 0], 0);
    }

    function test_a_silent_client_after_its_audit() public {
        Play memory play = checked(tones(FAR, 0, 0, 0, 0));
        skip(play.request.settleWindow + 1);
        opened(play, 7);
        resolved(play, 7);
        // Its bond is shared by those that agreed; it bears the newcomers, and what the cheat lost is burnt.
        assertSums(play, -300, [int256(-240), 150, 150, 0, 0], 240);
    }

    function test_reverts_of_audit() public {
        Play memory play = single(0);
        expectBadSignature(theClient);
        scheduler.audit(play.request, play.sealed_, SECRET, AUDIT_BPS, "");
        vm.prank(theClient);
        expectError(IScheduler.BadSecret.selector);
        scheduler.audit(play.request, play.sealed_, "another secret", AUDIT_BPS, "");
        vm.prank(theClient);
        expectError(IScheduler.BadSecret.selector);
        scheduler.audit(play.request, play.sealed_, SECRET, AUDIT_BPS - 1, "");
        skip(play.request.settleWindow + 1);
        uint256 deadline = scheduler.job(play.jobId).since + play.request.settleWindow;
        vm.prank(theClient);
        expectError(IScheduler.TooLate.selector, deadline);
        scheduler.audit(play.request, play.sealed_, SECRET, AUDIT_BPS, "");
    }

    function test_only_one_seat_is_audited_and_only_where_replicas_are_compared() public {
        Play memory play = ready(2, tones(0, 0, 0, 0, 0));
        vm.prank(theClient);
        expectError(IScheduler.NotWidenable.selector);
        scheduler.audit(play.request, play.sealed_, SECRET, AUDIT_BPS, "");
        IScheduler.JobRequest memory request = aRequest(1);
        (request.policy, request.nonce) = (uint8(IScheduler.Policy.None), 2);
        play = submitted(request);
        assigned(play);
        committed(play, 1, new uint16[](1));
        vm.prank(theClient);
        expectError(IScheduler.NotWidenable.selector);
        scheduler.audit(play.request, play.sealed_, SECRET, AUDIT_BPS, "");
    }

    function test_carried_by_anyone_with_the_clients_signature() public {
        Play memory play = single(0);
        bytes32 statement = keccak256(abi.encode(StatementLib.AUDIT, play.jobId, SECRET, AUDIT_BPS));
        bytes memory signature = sign(CLIENT_KEY, statement);
        vm.prank(CARRIER);
        scheduler.audit(play.request, play.sealed_, SECRET, AUDIT_BPS, signature);
        assertEq(stateOf(play), IScheduler.State.Widening, "state");
    }

    function test_what_the_purse_lacks_is_pulled() public {
        Play memory play = single(0);
        uint88 purse = scheduler.client(theClient).free;
        vm.prank(theClient);
        scheduler.withdraw(false, theClient, purse);
        vm.prank(theClient);
        coin.approve(address(scheduler), 2 * PRICE);
        audited(play);
        assertEq(scheduler.client(theClient).locked, 4 * PRICE, "locked");
        assertEq(coin.balanceOf(theClient), purse - 2 * PRICE, "pulled");
        assertSolvent();
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_the_chance_is_as_committed(bytes32 secret, uint16 auditBps) public {
        IScheduler.JobRequest memory request = aRequest(1);
        request.secretHash = keccak256(abi.encode(secret, auditBps));
        Play memory play = submitted(request);
        assigned(play);
        committed(play, 1, new uint16[](1));
        bool drawn = uint256(keccak256(abi.encode(secret, play.jobId, play.sealed_[0].commitment))) % 10_000 < auditBps;
        vm.prank(theClient);
        if (!drawn) expectError(IScheduler.NotDrawn.selector);
        scheduler.audit(play.request, play.sealed_, secret, auditBps, "");
        assertEq(stateOf(play), drawn ? IScheduler.State.Widening : IScheduler.State.Committed, "state");
    }

    /// @dev The secret is out with the client's message, but the commitment stands: the audited cannot exchange it for one that is not drawn.
    function test_attack_the_only_seat_cannot_replace_its_commitment() public {
        Play memory play = single(0);
        bytes32[] memory posted = new bytes32[](1);
        posted[0] = play.sealed_[0].commitment;
        play.sealed_[0].commitment = "one that is not drawn";
        bytes[] memory signatures = setSignatures(play);
        expectWrongState(IScheduler.State.Committed);
        scheduler.commitSet(play.request, play.sealed_, posted, signatures);
    }

    /* DRAWING NEWCOMERS */

    function test_newcomers_are_drawn_once_there_was_time_to_post() public {
        Play memory play = single(0);
        audited(play);
        IScheduler.Bid[] memory bids = laterBids(play, 1, 3);
        uint256 since = vm.getBlockTimestamp();
        uint256 seedBlock = vm.getBlockNumber() + 1;
        expectError(IScheduler.TooEarly.selector, since + 150);
        drawMore(play, bids);
        vm.warp(since + 151);
        vm.roll(seedBlock + 3);
        expectError(IScheduler.SeedNotYet.selector, seedBlock + 3);
        drawMore(play, bids);
        vm.roll(seedBlock + 4);
        vm.warp(since + 601);
        expectError(IScheduler.TooLate.selector, since + 600);
        drawMore(play, bids);
        vm.warp(since + 600);
        IScheduler.Seat[] memory kept = play.roster;
        play.roster = new IScheduler.Seat[](0);
        expectError(IScheduler.BadRoster.selector);
        drawMore(play, bids);
        play.roster = kept;
        drawMore(play, bids);
        IScheduler.Job memory job = scheduler.job(play.jobId);
        assertEq(job.state, IScheduler.State.Assigned, "state");
        assertEq(job.committed, 1, "the first seat's stands");
        expectWrongState(IScheduler.State.Assigned);
        drawMore(play, bids);
    }

    function test_who_has_a_seat_wins_no_other() public {
        Play memory play = single(0);
        audited(play);
        drawable(play);
        expectError(IScheduler.NotEnoughBids.selector, 1, 2);
        drawMore(play, laterBids(play, 0, 2));
        drawMore(play, laterBids(play, 0, 3));
        IScheduler.Party memory party = scheduler.node(vm.addr(keys[0]));
        assertEq(party.locked, STAKE_48, "one stake");
    }

    function test_a_bid_for_the_first_draw_is_none_for_the_second() public {
        Play memory play = single(0);
        audited(play);
        drawable(play);
        IScheduler.Bid[] memory bids = laterBids(play, 1, 2);
        bids[1] = aBid(keys[2], play.jobId, PRICE);
        expectBadSignature(vm.addr(keys[2]));
        drawMore(play, bids);
    }

    /// @dev Whoever is audited would draw his own friends, and be the first to do so.
    function test_attack_the_audited_cannot_draw_its_friends_only() public {
        Play memory play = single(FAR);
        audited(play);
        vm.roll(vm.getBlockNumber() + 2);
        IScheduler.Bid[] memory honest = laterBids(play, 3, 2);
        vm.prank(CARRIER);
        scheduler.postBids(play.request, play.roster, honest);
        drawable(play);
        IScheduler.Bid[] memory friends = laterBids(play, 1, 2);
        vm.expectRevert(abi.encodeWithSelector(IScheduler.BidLeftOut.selector, honest[0].node));
        drawMore(play, friends);
        drawMore(play, laterBids(play, 1, 4));
        assertEq(stateOf(play), IScheduler.State.Assigned, "state");
    }

    function test_bids_are_posted_until_newcomers_can_be_drawn() public {
        Play memory play = single(0);
        audited(play);
        IScheduler.Bid[] memory bids = laterBids(play, 1, 2);
        uint256 seedBlock = vm.getBlockNumber() + 1;
        expectError(IScheduler.SeedNotYet.selector, seedBlock);
        scheduler.postBids(play.request, play.roster, bids);
        vm.roll(seedBlock + 1);
        expectError(IScheduler.BadRoster.selector);
        scheduler.postBids(play.request, new IScheduler.Seat[](0), bids);
        IScheduler.Bid[] memory seated = laterBids(play, 0, 1);
        expectError(IScheduler.BidIneligible.selector, seated[0].node);
        scheduler.postBids(play.request, play.roster, seated);
        scheduler.postBids(play.request, play.roster, bids);
        assertEq(scheduler.job(play.jobId).posted, 2, "posted");
        drawable(play);
        expectError(IScheduler.PostingOver.selector, seedBlock + 3);
        scheduler.postBids(play.request, play.roster, bids);
    }

    function test_nobody_drawn_leads_back() public {
        Play memory play = single(0);
        audited(play);
        uint256 deadline = vm.getBlockTimestamp() + play.request.assignWindow;
        vm.warp(deadline);
        expectError(IScheduler.TooEarly.selector, deadline);
        scheduler.expire(play.request, play.roster);
        skip(1);
        scheduler.expire(play.request, play.roster);
        IScheduler.Job memory job = scheduler.job(play.jobId);
        assertEq(job.state, IScheduler.State.Committed, "state");
        assertEq(job.since, vm.getBlockTimestamp(), "the window anew");
        assertEq(job.rosterHash, keccak256(abi.encode(play.sealed_)), "roster");
        assertEq(scheduler.client(theClient).locked, 2 * PRICE, "the lock is back");
        vm.prank(theClient);
        expectError(IScheduler.NotWidenable.selector);
        scheduler.audit(play.request, play.sealed_, SECRET, AUDIT_BPS, "");
        settled(play, 1);
        assertSums(play, -100, [int256(100), 0, 0, 0, 0], 0);
        assertEq(scheduler.node(play.roster[0].node).good, 64, "alone");
    }

    /* SETS OF A WIDENED JOB */

    function test_a_widened_job_settles_by_a_signed_set() public {
        Play memory play = single(0);
        audited(play);
        widened(play, tones(0, 0, 0, 0, 0));
        settledDirectly(play, 7);
        assertSums(play, -300, [int256(100), 100, 100, 0, 0], 0);
    }

    function test_attack_no_set_replaces_the_first_commitments() public {
        Play memory play = single(FAR);
        audited(play);
        widened(play, tones(FAR, 0, 0, 0, 0));
        bytes32 own = play.sealed_[0].commitment;
        play.sealed_[0].commitment = "a copy";
        bytes[] memory signatures = setSignatures(play);
        expectError(IScheduler.BadRoster.selector);
        scheduler.commitSet(play.request, play.sealed_, new bytes32[](0), signatures);
        vm.prank(theClient);
        expectError(IScheduler.BadRoster.selector);
        scheduler.settleDirect(play.request, play.sealed_, signatures, 7, 0, "report", "");
        play.sealed_[0].commitment = own;
        newcomersCommit(play, 6, tones(FAR, 0, 0, 0, 0));
        bytes32[] memory posted = new bytes32[](3);
        for (uint256 i; i < 3; ++i) posted[i] = play.sealed_[i].commitment;
        play.sealed_[0].commitment = "a copy";
        expectError(IScheduler.BadRoster.selector);
        scheduler.commitSet(play.request, play.sealed_, posted, signatures);
        // A newcomer's gives way to what it signed.
        play.sealed_[0].commitment = own;
        play.sealed_[1].commitment = "signed before";
        signatures = setSignatures(play);
        scheduler.commitSet(play.request, play.sealed_, posted, signatures);
        assertEq(scheduler.job(play.jobId).rosterHash, keccak256(abi.encode(play.sealed_)), "roster");
    }

    function test_sets_of_the_first_and_of_all_seats_do_not_contradict() public {
        Play memory play = deadlock(0, FAR);
        IScheduler.Pledge memory first = pledgeOf(play, 0);
        summoned(play, theClient);
        widened(play, tones(0, FAR, 0, 0, 0));
        newcomersCommit(play, 28, tones(0, FAR, 0, 0, 0));
        IScheduler.Pledge memory second = pledgeOf(play, 0);
        expectError(IScheduler.NoEquivocation.selector);
        scheduler.proveEquivocation(play.request, play.sealed_, 0, first, second);
        // One that says something else of its own does.
        play.sealed_[0].commitment = "another";
        IScheduler.Pledge memory other = pledgeOf(play, 0);
        play.sealed_[0].commitment = second.commitments[0];
        expectError(IScheduler.BadIndex.selector, 3);
        scheduler.proveEquivocation(play.request, play.sealed_, 3, first, second);
        scheduler.proveEquivocation(play.request, play.sealed_, 0, first, other);
        assertEq(scheduler.job(play.jobId).equivocated, 1, "convicted");
    }

    function pledgeOf(Play memory play, uint256 index) internal view returns (IScheduler.Pledge memory pledge) {
        pledge.isSet = true;
        pledge.commitments = new bytes32[](play.sealed_.length);
        for (uint256 i; i < play.sealed_.length; ++i) pledge.commitments[i] = play.sealed_[i].commitment;
        pledge.signature = signSet(play.jobId, play.sealed_, index);
    }

    /* PANEL */

    function test_a_panel_called_by_the_honest_seat_is_paid_by_the_other() public {
        Play memory play = deadlock(0, FAR);
        summoned(play, play.roster[0].node);
        assertEq(scheduler.node(play.roster[0].node).locked, STAKE_48 + 3 * PRICE, "locked");
        widened(play, tones(0, FAR, 0, 0, 0));
        newcomersCommit(play, 28, tones(0, FAR, 0, 0, 0));
        settledAfterWindow(play, 29);
        // Of 24, all goes to the caller, whose newcomers cost 30.
        assertSums(play, -100, [int256(100 - 60), -240, 100, 100, 100], 0);
    }

    function test_a_caller_is_paid_by_its_own_verdict_and_no_other_seats() public {
        Play memory play = deadlock(0, FAR);
        summoned(play, play.roster[0].node);
        uint16[] memory t = tones(0, FAR, 0, 0, FAR);
        widened(play, t);
        newcomersCommit(play, 28, t);
        settledAfterWindow(play, 13);
        // Two lose 24 each: 20 for the newcomers that agreed, a tenth of 48 for the caller, the rest is burnt.
        assertSums(play, -100, [int256(100 + 48), -240, 100, 100, -240], 232);
    }

    function test_a_panel_called_in_vain_is_paid_by_its_caller() public {
        Play memory play = deadlock(0, FAR);
        address cheat = play.roster[1].node;
        bytes memory signature = sign(keyOf(cheat), keccak256(abi.encode(StatementLib.SUMMON, play.jobId, cheat)));
        IScheduler.Opening[] memory openings = openingsOf(play, 3);
        vm.prank(CARRIER);
        scheduler.summon(play.request, play.sealed_, openings, cheat, signature);
        widened(play, tones(0, FAR, 0, 0, 0));
        newcomersCommit(play, 28, tones(0, FAR, 0, 0, 0));
        settledAfterWindow(play, 29);
        assertSums(play, -100, [int256(100), -240 - 300, 100, 100, 100], 240);
    }

    function test_a_panel_without_majority_costs_nobody() public {
        Play memory play = deadlock(0, FAR);
        summoned(play, theClient);
        uint16[] memory t = tones(0, FAR, 0, FAR, 15_000);
        widened(play, t);
        newcomersCommit(play, 28, t);
        settled(play, 0);
        contested(play, 0);
        opened(play, 30);
        resolved(play, 31);
        assertSums(play, 0, [int256(0), 0, 0, 0, 0], 0);
    }

    function test_a_panel_from_a_contest_frees_the_bond() public {
        Play memory play = ready(2, tones(0, FAR, 0, 0, 0));
        settled(play, 1);
        contested(play, 1);
        opened(play, 1);
        assertEq(scheduler.node(play.roster[1].node).locked, STAKE_48 + PRICE, "bond");
        vm.expectEmit(address(scheduler));
        emit IScheduler.WideningCalled(play.jobId, theClient, false, uint48(vm.getBlockNumber() + 1));
        summoned(play, theClient);
        IScheduler.Job memory job = scheduler.job(play.jobId);
        assertEq(scheduler.node(play.roster[1].node).locked, STAKE_48, "freed");
        assertTrue(job.contested == 0 && job.opened == 0 && job.agreed == 0, "void");
        widened(play, tones(0, FAR, 0, 0, 0));
        newcomersCommit(play, 28, tones(0, FAR, 0, 0, 0));
        settledAfterWindow(play, 29);
        // Of 24 the client has all back that the newcomers cost but 6.
        assertSums(play, -100 - 60, [int256(100), -240, 100, 100, 100], 0);
    }

    function test_resolve_waits_for_whoever_wants_a_panel() public {
        Play memory play = deadlock(0, FAR);
        uint256 deadline = scheduler.job(play.jobId).since + uint256(play.request.settleWindow) + play.request.disputeWindow + play.request.assignWindow;
        expectError(IScheduler.TooEarly.selector, deadline);
        resolved(play, 3);
        vm.warp(deadline + 1);
        IScheduler.Opening[] memory openings = openingsOf(play, 3);
        vm.prank(theClient);
        expectError(IScheduler.TooLate.selector, deadline);
        scheduler.summon(play.request, play.sealed_, openings, theClient, "");
        resolved(play, 3);
        assertSums(play, -100, [int256(0), 0, 0, 0, 0], 100);
    }

    function test_reverts_of_summon() public {
        Play memory play = ready(2, tones(0, FAR, 0, 0, 0));
        IScheduler.Opening[] memory openings = openingsOf(play, 3);
        expectError(IScheduler.TooEarly.selector, scheduler.job(play.jobId).since + play.request.settleWindow);
        scheduler.summon(play.request, play.sealed_, openings, theClient, "");
        skip(play.request.settleWindow + 1);
        opened(play, 1);
        expectError(IScheduler.NotWidenable.selector);
        scheduler.summon(play.request, play.sealed_, openings, theClient, "");
        opened(play, 2);
        expectBadSignature(theClient);
        scheduler.summon(play.request, play.sealed_, openings, theClient, "");
        vm.prank(CARRIER);
        expectError(IScheduler.BadRoster.selector);
        scheduler.summon(play.request, play.sealed_, openings, CARRIER, "");
        vm.prank(theClient);
        expectError(IScheduler.BadOrder.selector);
        scheduler.summon(play.request, play.sealed_, openingsOf(play, 1), theClient, "");
        address poor = play.roster[0].node;
        vm.prank(poor);
        scheduler.withdraw(true, poor, 1000 * COIN_1 - STAKE_48 - 3 * PRICE + 1);
        vm.prank(poor);
        expectError(IScheduler.InsufficientFunds.selector, 3 * PRICE - 1, 3 * PRICE);
        scheduler.summon(play.request, play.sealed_, openings, poor, "");
        summoned(play, theClient);
        vm.prank(theClient);
        expectWrongState(IScheduler.State.Widening);
        scheduler.summon(play.request, play.sealed_, openings, theClient, "");
    }

    function test_a_majority_needs_no_panel() public {
        Play memory play = deadlock(0, 0);
        IScheduler.Opening[] memory openings = openingsOf(play, 3);
        vm.prank(theClient);
        expectError(IScheduler.MajorityFound.selector);
        scheduler.summon(play.request, play.sealed_, openings, theClient, "");
        resolved(play, 3);
    }

    function test_seven_seats_are_the_most() public {
        uint16[] memory t = new uint16[](8);
        for (uint256 i; i < 4; ++i) t[i] = FAR;
        Play memory play = ready(8, t);
        skip(play.request.settleWindow + 1);
        opened(play, 255);
        IScheduler.Opening[] memory openings = openingsOf(play, 255);
        vm.prank(theClient);
        expectError(IScheduler.NotWidenable.selector);
        scheduler.summon(play.request, play.sealed_, openings, theClient, "");
        // And so nobody waits for a panel.
        resolved(play, 255);
    }

    function test_seven_become_fifteen() public {
        uint16[] memory t = new uint16[](15);
        for (uint16 i; i < 7; ++i) t[i] = i / 2 * 8000;
        Play memory play = ready(7, t);
        skip(play.request.settleWindow + 1);
        opened(play, 127);
        summoned(play, play.roster[0].node);
        widened(play, t);
        newcomersCommit(play, all(15) & ~uint256(127), t);
        assertEq(play.roster.length, 15, "seats");
        settledAfterWindow(play, all(15) & ~uint16(124));
        assertEq(stateOf(play), IScheduler.State.Settled, "state");
        assertSolvent();
    }

    /* WHATEVER HAPPENS */

    /// forge-config: default.fuzz.runs = 100
    function testFuzz_conserves_coin(uint256 salt, uint8 replicas, uint16 agreed, uint16 comes, bool bySeat, bool silent) public {
        replicas = replicas % 4 + 1;
        uint256 seats = 2 * uint256(replicas) + 1;
        uint16[] memory t = dividedTones(salt, replicas, seats);
        Play memory play = ready(replicas, t);
        callFor(play, salt, bySeat);
        widened(play, t);
        uint256 mask = comes & all(seats) & ~uint256(all(replicas));
        newcomersCommit(play, mask, t);
        mask |= all(replicas);
        if (mask != all(seats)) {
            skip(play.request.commitWindow + 1);
            scheduler.expire(play.request, play.roster);
        }
        batchOf(play, mask, t);
        if (silent) {
            skip(play.request.settleWindow + 1);
            opened(play, mask);
            resolved(play, mask);
        } else {
            settledAfterWindow(play, uint16(agreed & mask));
        }
        assertConserved();
    }

    /// @dev Four or two of two kinds, one, or three of three kinds have no majority, or may be audited.
    function dividedTones(uint256 salt, uint8 replicas, uint256 seats) internal pure returns (uint16[] memory t) {
        t = new uint16[](seats);
        for (uint256 i; i < seats; ++i) t[i] = uint16(uint256(keccak256(abi.encode(salt, i))) % 2 * FAR);
        for (uint16 i; i < replicas && replicas > 1; ++i) t[i] = replicas == 3 ? i * 15_000 : i % 2 * FAR;
    }

    function callFor(Play memory play, uint256 salt, bool bySeat) internal {
        uint8 replicas = play.request.replicas;
        if (replicas == 1) return audited(play);
        skip(play.request.settleWindow + 1);
        opened(play, all(replicas));
        summoned(play, bySeat ? play.roster[salt % replicas].node : theClient);
    }

    function assertConserved() internal view {
        uint256 sum = coin.balanceOf(GRAVE) + scheduler.client(theClient).free;
        for (uint256 i; i < keys.length; ++i) {
            IScheduler.Party memory party = scheduler.node(vm.addr(keys[i]));
            assertEq(party.locked, 0, "unlocked");
            sum += party.free;
        }
        assertEq(scheduler.client(theClient).locked, 0, "unlocked");
        assertEq(sum, (NODES + 1) * 1000e18, "conserved");
        assertSolvent();
    }

    /// @dev However dear the stake is: the audit's cost, a bond, and a tenth of what the check took.
    function test_attack_convicting_an_honest_seat_brings_little() public {
        // Client and both newcomers are one: they convict an honest seat.
        Play memory play = checked(tones(0, FAR, FAR, 0, 0));
        settled(play, 6);
        contested(play, 0);
        opened(play, 6);
        resolved(play, 7);
        uint256 coalition = scheduler.client(theClient).free + free(play.roster[1].node) + free(play.roster[2].node);
        // The audited replica was not paid; its bond went to the client; half of its stake to newcomers and informer, the rest is burnt.
        assertEq(coalition, 3000e18 + 10e18 + 20e18 + 24e17, "a bond, the audit's cost, a tenth");
    }
}
