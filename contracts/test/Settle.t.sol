// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

contract SettleTest is Life {
    function test_all_agreed_pays_as_bid_and_rates_everybody() public {
        Play memory play = committed(3);
        uint256 sum;
        for (uint256 i; i < 3; ++i) sum += play.roster[i].price;
        vm.expectEmit(address(scheduler));
        emit IScheduler.VerdictPosted(play.jobId, 7, 0, "report");
        vm.expectEmit(address(scheduler));
        emit IScheduler.Settled(play.jobId, 21, sum, 0);
        settled(play, 7);

        for (uint256 i; i < 3; ++i) {
            IScheduler.Party memory party = scheduler.node(play.roster[i].node);
            assertEq(party.free, 1000 * COIN_1 + play.roster[i].price, "paid");
            assertEq(party.locked, 0, "unlocked");
            assertEq(party.good, 256, "good");
            assertEq(party.day, block.timestamp / 1 days, "day");
        }
        IScheduler.Party memory purse = scheduler.client(theClient);
        assertEq(purse.free, 1000 * COIN_1 - sum, "refund");
        assertEq(purse.locked, 0, "nothing locked");
        IScheduler.Job memory job = scheduler.job(play.jobId);
        assertEq(job.state, IScheduler.State.Settled, "state");
        assertEq(job.rosterHash, 0, "cleared");
        assertSolvent();
    }

    function test_alone_counts_a_quarter() public {
        Play memory play = committed(1);
        settled(play, 1);
        assertEq(scheduler.node(play.roster[0].node).good, 64, "good");
    }

    function test_the_absent_do_not_hinder_it() public {
        Play memory play = assigned(3);
        committedAfterWindow(play, 5, new uint16[](3));
        vm.expectEmit(address(scheduler));
        emit IScheduler.Settled(play.jobId, 1 | 3 << 2 | 1 << 4, uint256(play.roster[0].price) + play.roster[2].price, 0);
        settled(play, 5);
        assertEq(stateOf(play), IScheduler.State.Settled, "state");
        assertSolvent();
    }

    function test_a_rejection_leaves_everything_locked() public {
        Play memory play = committed(3);
        skip(5);
        settled(play, 3);
        IScheduler.Job memory job = scheduler.job(play.jobId);
        assertEq(job.state, IScheduler.State.Contestable, "state");
        assertEq(job.agreed, 3, "agreed");
        assertEq(job.since, vm.getBlockTimestamp(), "since");
        assertEq(scheduler.client(theClient).locked, 4 * PRICE, "escrow");
        for (uint256 i; i < 3; ++i) assertEq(scheduler.node(play.roster[i].node).locked, STAKE, "stake");
    }

    function test_carried_by_anyone_with_the_clients_signature() public {
        Play memory play = committed(3);
        bytes memory signature = signVerdict(play.jobId, play.sealed_, 7);
        vm.prank(CARRIER);
        scheduler.settle(play.request, play.sealed_, 7, 0, "report", signature);
        assertEq(stateOf(play), IScheduler.State.Settled, "state");
    }

    function test_reverts_BadSignature() public {
        Play memory play = committed(3);
        bytes memory signature = signVerdict(play.jobId, play.sealed_, 7);
        expectBadSignature(theClient);
        vm.prank(CARRIER);
        scheduler.settle(play.request, play.sealed_, 3, 0, "report", signature);
        expectBadSignature(theClient);
        vm.prank(CARRIER);
        scheduler.settle(play.request, play.sealed_, 7, 0, "another report", signature);
        expectBadSignature(theClient);
        vm.prank(play.roster[0].node);
        scheduler.settle(play.request, play.sealed_, 7, 0, "report", "");
    }

    function test_reverts_BadVerdict() public {
        Play memory play = assigned(3);
        committedAfterWindow(play, 5, new uint16[](3));
        expectError(IScheduler.BadVerdict.selector, 7, 5);
        settled(play, 7);
        expectError(IScheduler.BadVerdict.selector, 13, 5);
        settled(play, 13);
    }

    function test_reverts_BadRoster() public {
        Play memory play = committed(3);
        play.sealed_[2].price += 1;
        expectError(IScheduler.BadRoster.selector);
        settled(play, 7);
        play.sealed_[2].price -= 1;
        play.sealed_[2].commitment = 0;
        expectError(IScheduler.BadRoster.selector);
        settled(play, 7);
    }

    function test_reverts_TooLate_and_WrongState() public {
        Play memory play = assigned(3);
        batchOf(play, 7, new uint16[](3));
        expectWrongState(IScheduler.State.Assigned);
        settled(play, 7);
        committed(play, 7, new uint16[](3));
        uint256 deadline = scheduler.job(play.jobId).since + play.request.settleWindow;
        vm.warp(deadline + 1);
        expectError(IScheduler.TooLate.selector, deadline);
        settled(play, 7);
        vm.warp(deadline);
        settled(play, 7);
        expectWrongState(IScheduler.State.Settled);
        settled(play, 7);
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_conserves_coin(uint8 replicas, uint256 mask) public {
        replicas = replicas % 15 + 1;
        Play memory play = assigned(replicas);
        mask &= all(replicas);
        if (mask == 0) mask = 1;
        committedAfterWindow(play, mask, new uint16[](replicas));
        settled(play, uint16(mask));
        assertEq(stateOf(play), IScheduler.State.Settled, "state");
        assertEq(scheduler.client(theClient).locked, 0, "escrow");
        assertSolvent();
    }
}
