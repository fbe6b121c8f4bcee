// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";
import {StatementLib} from "../src/libraries/StatementLib.sol";

contract ContestTest is Life {
    function test_locks_a_bond_and_opens_the_contestants_sketch() public {
        Play memory play = contestable(3, 1, new uint16[](3));
        skip(9);
        vm.expectEmit(address(scheduler));
        emit IScheduler.VerdictContested(play.jobId, 1);
        vm.expectEmit(address(scheduler));
        emit IScheduler.SketchOpened(play.jobId, play.openings[1]);
        contested(play, 1);
        IScheduler.Job memory job = scheduler.job(play.jobId);
        assertEq(job.state, IScheduler.State.Contested, "state");
        assertEq(job.since, vm.getBlockTimestamp(), "since");
        assertEq(job.contested, 2, "contested");
        assertEq(job.opened, 2, "opened");
        assertEq(scheduler.node(play.roster[1].node).locked, STAKE + PRICE, "bond");
    }

    function test_others_may_join_until_the_opening_window_ends() public {
        Play memory play = contestable(3, 1, new uint16[](3));
        skip(play.request.disputeWindow);
        contested(play, 1);
        uint256 since = scheduler.job(play.jobId).since;
        skip(play.request.disputeWindow);
        opened(play, 4);
        vm.recordLogs();
        contested(play, 2);
        assertEq(recorded().length, 1, "what is open already is not opened again");
        IScheduler.Job memory job = scheduler.job(play.jobId);
        assertEq(job.since, since, "since the first contest");
        assertEq(job.contested, 6, "contested");
        assertEq(job.opened, 6, "opened");
    }

    function test_carried_by_anyone_with_the_nodes_signature() public {
        Play memory play = contestable(3, 1, new uint16[](3));
        address account = play.roster[2].node;
        bytes memory signature = sign(keyOf(account), keccak256(abi.encode(StatementLib.CONTEST, play.jobId, account)));
        vm.prank(CARRIER);
        scheduler.contest(play.request, play.sealed_, play.openings[2], signature);
        assertEq(scheduler.job(play.jobId).contested, 4, "contested");
    }

    function test_reverts_BadSignature() public {
        Play memory play = contestable(3, 1, new uint16[](3));
        address account = play.roster[1].node;
        bytes memory signature = sign(keyOf(account), keccak256(abi.encode(StatementLib.CONTEST, play.jobId, account)));
        expectBadSignature(play.roster[2].node);
        vm.prank(CARRIER);
        scheduler.contest(play.request, play.sealed_, play.openings[2], signature);
        expectBadSignature(account);
        vm.prank(CARRIER);
        scheduler.contest(play.request, play.sealed_, play.openings[1], "");
    }

    function test_reverts_NotRejected() public {
        Play memory play = contestable(3, 1, new uint16[](3));
        expectError(IScheduler.NotRejected.selector, 0);
        contested(play, 0);
        contested(play, 1);
        expectError(IScheduler.NotRejected.selector, 1);
        contested(play, 1);
    }

    function test_reverts_NotCommitted_and_BadIndex() public {
        Play memory play = assigned(3);
        committedAfterWindow(play, 3, new uint16[](3));
        settled(play, 1);
        expectError(IScheduler.NotCommitted.selector, 2);
        contested(play, 2);
        play.openings[1].index = 3;
        expectError(IScheduler.BadIndex.selector, 3);
        contested(play, 1);
    }

    function test_reverts_BadOpening() public {
        Play memory play = contestable(3, 1, new uint16[](3));
        play.openings[1].salt = 0;
        expectError(IScheduler.BadOpening.selector, 1);
        contested(play, 1);
        // Another node's opening under one's own index.
        play.openings[1] = openingOf(2, 0);
        play.openings[1].index = 1;
        expectError(IScheduler.BadOpening.selector, 1);
        contested(play, 1);
    }

    function test_reverts_InsufficientFunds_for_the_bond() public {
        Play memory play = contestable(3, 1, new uint16[](3));
        address account = play.roster[1].node;
        uint88 free = scheduler.node(account).free;
        vm.prank(account);
        scheduler.withdraw(true, account, free - PRICE + 1);
        expectError(IScheduler.InsufficientFunds.selector, PRICE - 1, PRICE);
        contested(play, 1);
    }

    function test_reverts_BadRoster() public {
        Play memory play = contestable(3, 1, new uint16[](3));
        play.sealed_[1].commitment = keccak256("more to my liking");
        expectError(IScheduler.BadRoster.selector);
        contested(play, 1);
    }

    function test_reverts_TooLate_and_WrongState() public {
        Play memory play = committed(3);
        expectWrongState(IScheduler.State.Committed);
        contested(play, 1);
        settled(play, 1);
        uint256 deadline = scheduler.job(play.jobId).since + play.request.disputeWindow;
        vm.warp(deadline + 1);
        expectError(IScheduler.TooLate.selector, deadline);
        contested(play, 1);
        vm.warp(deadline);
        contested(play, 1);
        deadline = scheduler.job(play.jobId).since + play.request.disputeWindow;
        vm.warp(deadline + 1);
        expectError(IScheduler.TooLate.selector, deadline);
        contested(play, 2);
    }
}
