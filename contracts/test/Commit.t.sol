// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

contract CommitTest is Life {
    function call(Play memory play, IScheduler.SignedCommitment[] memory batch) internal {
        vm.prank(CARRIER);
        scheduler.commit(play.request, play.roster, batch);
    }

    function test_a_batch_of_all_closes_and_folds() public {
        Play memory play = assigned(3);
        IScheduler.SignedCommitment[] memory batch = batchOf(play, 7, new uint16[](3));
        skip(7);
        for (uint8 i; i < 3; ++i) {
            vm.expectEmit(address(scheduler));
            emit IScheduler.CommitmentPosted(play.jobId, i, batch[i].commitment);
        }
        vm.expectEmit(address(scheduler));
        emit IScheduler.CommitmentsClosed(play.jobId, 7);
        call(play, batch);
        IScheduler.Job memory job = scheduler.job(play.jobId);
        assertEq(job.state, IScheduler.State.Committed, "state");
        assertEq(job.since, vm.getBlockTimestamp(), "since");
        assertEq(job.committed, 7, "committed");
        assertEq(job.rosterHash, keccak256(abi.encode(play.sealed_)), "sealed roster");
        assertEq(scheduler.commitmentAt(play.jobId, 0), 0, "no slot");
    }

    function test_one_by_one_in_any_order_by_the_nodes_themselves() public {
        Play memory play = assigned(3);
        uint256 since = scheduler.job(play.jobId).since;
        IScheduler.SignedCommitment[] memory batch = batchOf(play, 7, new uint16[](3));
        uint8[3] memory order = [2, 0, 1];
        for (uint256 i; i < 3; ++i) {
            skip(1);
            IScheduler.SignedCommitment[] memory one = new IScheduler.SignedCommitment[](1);
            one[0] = batch[order[i]];
            one[0].signature = "";
            vm.prank(play.roster[order[i]].node);
            scheduler.commit(play.request, play.roster, one);
            if (i == 2) break;
            assertEq(scheduler.commitmentAt(play.jobId, order[i]), one[0].commitment, "posted");
            assertEq(scheduler.job(play.jobId).since, since, "still since assign");
            assertEq(scheduler.job(play.jobId).rosterHash, keccak256(abi.encode(play.roster)), "roster");
        }
        assertEq(stateOf(play), IScheduler.State.Committed, "state");
        assertEq(scheduler.job(play.jobId).rosterHash, keccak256(abi.encode(play.sealed_)), "sealed roster");
        for (uint8 i; i < 3; ++i) assertEq(scheduler.commitmentAt(play.jobId, i), 0, "slot cleared");
    }

    function test_what_is_posted_already_is_passed_over() public {
        Play memory play = assigned(3);
        call(play, batchOf(play, 2, new uint16[](3)));
        IScheduler.SignedCommitment[] memory batch = batchOf(play, 7, new uint16[](3));
        batch[1].signature = "";
        IScheduler.SignedCommitment[] memory twice = new IScheduler.SignedCommitment[](4);
        (twice[0], twice[1], twice[2], twice[3]) = (batch[0], batch[0], batch[1], batch[2]);
        call(play, twice);
        assertEq(scheduler.job(play.jobId).rosterHash, keccak256(abi.encode(play.sealed_)), "sealed roster");
    }

    function test_reverts_AlreadyCommitted() public {
        Play memory play = assigned(3);
        call(play, batchOf(play, 2, new uint16[](3)));
        IScheduler.SignedCommitment[] memory other = new IScheduler.SignedCommitment[](1);
        other[0] = aCommitment(play.jobId, play.roster, 1, keccak256("other"));
        expectError(IScheduler.AlreadyCommitted.selector, 1);
        call(play, other);
        IScheduler.SignedCommitment[] memory two = new IScheduler.SignedCommitment[](2);
        two[0] = aCommitment(play.jobId, play.roster, 2, keccak256("one"));
        two[1] = aCommitment(play.jobId, play.roster, 2, keccak256("two"));
        expectError(IScheduler.AlreadyCommitted.selector, 2);
        call(play, two);
    }

    function test_reverts_BadIndex() public {
        Play memory play = assigned(3);
        IScheduler.SignedCommitment[] memory batch = batchOf(play, 1, new uint16[](3));
        batch[0].index = 3;
        expectError(IScheduler.BadIndex.selector, 3);
        call(play, batch);
    }

    function test_reverts_BadSignature() public {
        Play memory play = assigned(3);
        IScheduler.SignedCommitment[] memory batch = batchOf(play, 3, new uint16[](3));
        (batch[0].index, batch[1].index) = (1, 0);
        expectBadSignature(play.roster[1].node);
        call(play, batch);
        batch = batchOf(play, 1, new uint16[](3));
        batch[0].commitment = keccak256("other");
        expectBadSignature(play.roster[0].node);
        call(play, batch);
        batch[0].signature = "";
        expectBadSignature(play.roster[0].node);
        call(play, batch);
        batch = batchOf(play, 1, new uint16[](3));
        batch[0].signature = malleated(batch[0].signature);
        expectBadSignature(play.roster[0].node);
        call(play, batch);
    }

    function test_reverts_BadRoster() public {
        Play memory play = assigned(3);
        IScheduler.SignedCommitment[] memory batch = batchOf(play, 7, new uint16[](3));
        play.roster[1].price += 1;
        expectError(IScheduler.BadRoster.selector);
        call(play, batch);
        play.roster[1].price -= 1;
        (play.roster[0], play.roster[1]) = (play.roster[1], play.roster[0]);
        expectError(IScheduler.BadRoster.selector);
        call(play, batch);
        play.roster = new IScheduler.Seat[](0);
        expectError(IScheduler.BadRoster.selector);
        call(play, batch);
    }

    function test_reverts_TooLate_and_WrongState() public {
        Play memory play = submitted(3);
        expectWrongState(IScheduler.State.Open);
        call(play, new IScheduler.SignedCommitment[](0));
        assigned(play);
        IScheduler.SignedCommitment[] memory batch = batchOf(play, 7, new uint16[](3));
        uint256 deadline = scheduler.job(play.jobId).since + play.request.commitWindow;
        vm.warp(deadline + 1);
        expectError(IScheduler.TooLate.selector, deadline);
        call(play, batch);
        vm.warp(deadline);
        call(play, batch);
        expectWrongState(IScheduler.State.Committed);
        call(play, batch);
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_any_partition_ends_in_the_same_roster(uint256 salt) public {
        uint8 replicas = uint8(salt % 15 + 1);
        Play memory play = assigned(replicas);
        uint256 done;
        while (done != all(replicas)) {
            salt = uint256(keccak256(abi.encode(salt)));
            uint256 part = salt & all(replicas);
            call(play, batchOf(play, part, new uint16[](replicas)));
            done |= part;
            if (done != all(replicas)) assertEq(scheduler.job(play.jobId).committed, done, "committed");
        }
        batchOf(play, all(replicas), new uint16[](replicas));
        assertEq(scheduler.job(play.jobId).rosterHash, keccak256(abi.encode(play.sealed_)), "sealed roster");
    }
}
