// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

contract OpenTest is Life {
    function test_in_a_dispute_by_anyone_who_knows_the_salts() public {
        Play memory play = contestable(3, 1, new uint16[](3));
        contested(play, 1);
        vm.expectEmit(address(scheduler));
        emit IScheduler.SketchOpened(play.jobId, play.openings[0]);
        vm.expectEmit(address(scheduler));
        emit IScheduler.SketchOpened(play.jobId, play.openings[2]);
        opened(play, 7); // 1 is open already
        assertEq(scheduler.job(play.jobId).opened, 7, "opened");
    }

    function test_when_the_client_is_silent() public {
        Play memory play = committed(3);
        uint256 since = scheduler.job(play.jobId).since;
        skip(play.request.settleWindow);
        expectError(IScheduler.TooEarly.selector, since + play.request.settleWindow);
        opened(play, 1);
        skip(1);
        opened(play, 1);
        skip(play.request.disputeWindow - 1);
        opened(play, 4);
        IScheduler.Job memory job = scheduler.job(play.jobId);
        assertEq(job.opened, 5, "opened");
        assertEq(job.state, IScheduler.State.Committed, "state");
        assertEq(job.since, since, "since");
        skip(1);
        expectError(IScheduler.TooLate.selector, since + play.request.settleWindow + play.request.disputeWindow);
        opened(play, 2);
    }

    function test_reverts_TooLate_in_a_dispute() public {
        Play memory play = contestable(3, 1, new uint16[](3));
        contested(play, 1);
        uint256 deadline = scheduler.job(play.jobId).since + play.request.disputeWindow;
        vm.warp(deadline + 1);
        expectError(IScheduler.TooLate.selector, deadline);
        opened(play, 1);
        vm.warp(deadline);
        opened(play, 1);
    }

    function test_reverts_WrongState() public {
        Play memory play = assigned(3);
        batchOf(play, 7, new uint16[](3));
        expectWrongState(IScheduler.State.Assigned);
        opened(play, 1);
        committed(play, 7, new uint16[](3));
        settled(play, 1);
        expectWrongState(IScheduler.State.Contestable);
        opened(play, 1);
    }

    function test_reverts_for_what_was_not_committed() public {
        Play memory play = assigned(3);
        committedAfterWindow(play, 3, new uint16[](3));
        skip(play.request.settleWindow + 1);
        expectError(IScheduler.NotCommitted.selector, 2);
        opened(play, 4);
        play.openings[0].index = 3;
        expectError(IScheduler.BadIndex.selector, 3);
        opened(play, 1);
        play.openings[0].index = 255;
        expectError(IScheduler.BadIndex.selector, 255);
        opened(play, 1);
    }

    function test_reverts_BadOpening_whatever_is_changed() public {
        Play memory play = committed(3);
        skip(play.request.settleWindow + 1);
        for (uint256 i; i < 4; ++i) {
            IScheduler.Opening memory opening = openingOf(1, 0);
            if (i == 0) opening.resultDigest = 0;
            if (i == 1) opening.evidenceDigest = 0;
            if (i == 2) opening.salt = 0;
            if (i == 3) opening.sketch = "";
            play.openings[1] = opening;
            expectError(IScheduler.BadOpening.selector, 1);
            opened(play, 3);
        }
        assertEq(scheduler.job(play.jobId).opened, 0, "nothing of the batch");
    }

    function test_reverts_BadRoster() public {
        Play memory play = committed(3);
        skip(play.request.settleWindow + 1);
        (play.sealed_[0], play.sealed_[1]) = (play.sealed_[1], play.sealed_[0]);
        expectError(IScheduler.BadRoster.selector);
        opened(play, 1);
    }
}
