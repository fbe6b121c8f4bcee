// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

contract ExpireTest is Life {
    function call(Play memory play) internal {
        vm.prank(CARRIER);
        scheduler.expire(play.request, play.roster);
    }

    function test_open_is_cancelled_at_the_clients_reputation() public {
        Play memory play = submitted(3);
        vm.roll(2000);
        skip(play.request.assignWindow);
        expectError(IScheduler.TooEarly.selector, vm.getBlockTimestamp());
        call(play);
        skip(1);
        vm.expectEmit(address(scheduler));
        emit IScheduler.Rated(theClient, false, 0, 256);
        vm.expectEmit(address(scheduler));
        emit IScheduler.Cancelled(play.jobId);
        call(play);
        assertEq(stateOf(play), IScheduler.State.Cancelled, "state");
        assertEq(scheduler.client(theClient).free, 1000 * COIN_1, "refund");
        assertEq(scheduler.client(theClient).locked, 0, "locked");
        assertSolvent();
    }

    function test_open_costs_nothing_where_the_seed_never_came() public {
        Play memory play = submitted(3);
        skip(play.request.assignWindow + 1);
        call(play);
        assertEq(scheduler.client(theClient).bad, 0, "bad");
    }

    function test_nobody_committed() public {
        Play memory play = assigned(3);
        skip(play.request.commitWindow);
        expectError(IScheduler.TooEarly.selector, vm.getBlockTimestamp());
        call(play);
        skip(1);
        vm.expectEmit(address(scheduler));
        emit IScheduler.Expired(play.jobId);
        call(play);
        assertEq(stateOf(play), IScheduler.State.Expired, "state");
        assertEq(scheduler.job(play.jobId).rosterHash, 0, "cleared");
        for (uint256 i; i < 3; ++i) {
            IScheduler.Party memory party = scheduler.node(play.roster[i].node);
            assertEq(party.free, 1000 * COIN_1 - STAKE / 4, "no-show");
            assertEq(party.locked, 0, "unlocked");
            assertEq(party.bad, 512, "bad");
        }
        IScheduler.Party memory purse = scheduler.client(theClient);
        assertEq(purse.free, 1000 * COIN_1 + 3 * STAKE / 4, "refund and no-shows");
        assertEq(purse.locked, 0, "locked");
        assertEq(uint256(purse.good) + purse.bad, 0, "not rated");
        assertSolvent();
    }

    function test_somebody_committed() public {
        Play memory play = assigned(3);
        committed(play, 2, new uint16[](3));
        skip(play.request.commitWindow + 1);
        vm.expectEmit(address(scheduler));
        emit IScheduler.CommitmentsClosed(play.jobId, 2);
        call(play);
        IScheduler.Job memory job = scheduler.job(play.jobId);
        assertEq(job.state, IScheduler.State.Committed, "state");
        assertEq(job.committed, 2, "committed");
        assertEq(job.rosterHash, keccak256(abi.encode(play.sealed_)), "sealed roster");
        assertEq(scheduler.commitmentAt(play.jobId, 1), 0, "slot cleared");
        for (uint256 i; i < 3; ++i) {
            IScheduler.Party memory party = scheduler.node(play.roster[i].node);
            assertEq(party.free, 1000 * COIN_1 - (i == 1 ? STAKE : STAKE / 4), "free");
            assertEq(party.locked, i == 1 ? STAKE : 0, "locked");
            assertEq(party.bad, i == 1 ? 0 : 512, "bad");
        }
        assertEq(scheduler.client(theClient).free, 1000 * COIN_1 - 4 * PRICE + STAKE / 2, "no-shows");
        assertEq(scheduler.client(theClient).locked, 4 * PRICE, "escrow");
        assertSolvent();
    }

    function test_reverts_BadRoster() public {
        Play memory play = assigned(3);
        skip(play.request.commitWindow + 1);
        play.roster[0].node = play.roster[1].node;
        expectError(IScheduler.BadRoster.selector);
        call(play);
    }

    function test_reverts_WrongState() public {
        Play memory play;
        play.request = aRequest(3);
        expectWrongState(IScheduler.State.None);
        call(play);
        play = committed(3);
        skip(30 days);
        expectWrongState(IScheduler.State.Committed);
        call(play);
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_conserves_coin(uint8 replicas, uint256 mask, uint88 stake) public {
        replicas = replicas % 15 + 1;
        IScheduler.JobRequest memory request = aRequest(replicas);
        request.stake = PRICE + stake % (900 * COIN_1);
        Play memory play = submitted(request);
        assigned(play);
        mask &= all(replicas);
        committed(play, mask, new uint16[](replicas));
        if (mask == all(replicas)) return;
        skip(request.commitWindow + 1);
        call(play);
        assertEq(stateOf(play), mask == 0 ? IScheduler.State.Expired : IScheduler.State.Committed, "state");
        assertSolvent();
    }
}
