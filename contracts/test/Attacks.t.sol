// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Scheduler} from "./Base.sol";
import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

/// @dev Attacks that are on no single step. docs/contract-review.md says which test covers what.
contract AttacksTest is Life {
    uint256 internal constant ELSEWHERE = 314;

    /* REPLAY */

    function test_attack_a_request_signed_for_another_chain_is_refused() public {
        IScheduler.JobRequest memory request = aRequest(1);
        bytes memory here = signRequest(request);
        domain = domainOf(ELSEWHERE, address(scheduler));
        bytes memory there = signRequest(request);
        expectBadSignature(theClient);
        vm.prank(CARRIER);
        scheduler.submit(request, there);
        // The same contract at the same address after a fork, on the other chain.
        vm.chainId(ELSEWHERE);
        expectBadSignature(theClient);
        vm.prank(CARRIER);
        scheduler.submit(request, here);
        vm.prank(CARRIER);
        scheduler.submit(request, there);
    }

    function test_attack_a_job_of_before_a_fork_is_none_after_it() public {
        Play memory play = committed(2);
        bytes memory verdict = signVerdict(play.jobId, play.sealed_, 3);
        vm.chainId(ELSEWHERE);
        expectWrongState(IScheduler.State.None);
        vm.prank(CARRIER);
        scheduler.settle(play.request, play.sealed_, 3, 0, "report", verdict);
    }

    function test_attack_a_request_signed_for_another_scheduler_is_refused() public {
        Scheduler other = deployScheduler(coin, 1, 1 minutes, 30 days);
        coin.approve(address(other), type(uint256).max);
        other.fund(theClient, 1000 * COIN_1);
        IScheduler.JobRequest memory request = aRequest(1);
        bytes memory signature = signRequest(request);
        expectBadSignature(theClient);
        vm.prank(CARRIER);
        other.submit(request, signature);
        assertTrue(other.jobIdOf(request) != scheduler.jobIdOf(request), "another job");
    }

    function test_attack_bids_and_commitments_of_one_job_are_none_of_another() public {
        Play memory first = submitted(1);
        IScheduler.JobRequest memory request = aRequest(1);
        request.nonce = 2;
        Play memory second = submitted(request);
        vm.roll(vm.getBlockNumber() + 2);
        IScheduler.Bid[] memory bids = someBids(first.jobId, 2);
        expectBadSignature(bids[0].node);
        vm.prank(theClient);
        scheduler.assign(second.request, bids, "");
        assigned(first);
        assigned(second, someBids(second.jobId, 2));
        IScheduler.SignedCommitment[] memory batch = batchOf(first, 1, new uint16[](1));
        // Whether or not the same node sits in both.
        expectBadSignature(second.roster[0].node);
        vm.prank(CARRIER);
        scheduler.commit(second.request, second.roster, batch);
    }

    function test_attack_a_statement_of_one_kind_is_none_of_another() public {
        Play memory play = submitted(1);
        bytes memory signature = signRequest(play.request);
        expectBadSignature(theClient);
        vm.prank(CARRIER);
        scheduler.cancel(play.request, signature);
    }

    function test_attack_no_step_happens_twice() public {
        Play memory play = committed(3);
        bytes memory verdict = signVerdict(play.jobId, play.sealed_, 7);
        vm.prank(CARRIER);
        scheduler.settle(play.request, play.sealed_, 7, 0, "report", verdict);
        uint256 free = scheduler.node(play.roster[0].node).free;
        expectWrongState(IScheduler.State.Settled);
        vm.prank(CARRIER);
        scheduler.settle(play.request, play.sealed_, 7, 0, "report", verdict);
        expectWrongState(IScheduler.State.Settled);
        scheduler.resolve(play.request, play.sealed_, new IScheduler.Opening[](0));
        expectWrongState(IScheduler.State.Settled);
        scheduler.expire(play.request, play.roster);
        bytes memory request = signRequest(play.request);
        expectWrongState(IScheduler.State.Settled);
        scheduler.submit(play.request, request);
        assertEq(scheduler.node(play.roster[0].node).free, free, "paid once");
    }

    /* MALLEABILITY */

    function test_attack_the_other_form_of_a_signature_is_none() public {
        IScheduler.JobRequest memory request = aRequest(1);
        bytes memory signature = malleated(signRequest(request));
        expectBadSignature(theClient);
        vm.prank(CARRIER);
        scheduler.submit(request, signature);
        Play memory play = committed(1);
        signature = malleated(signVerdict(play.jobId, play.sealed_, 1));
        expectBadSignature(theClient);
        vm.prank(CARRIER);
        scheduler.settle(play.request, play.sealed_, 1, 0, "report", signature);
    }

    /* GAS: the dearest steps fit a message of the chain with the smallest limit in use, and no party makes them dearer for others. */

    function test_attack_the_dearest_assignment_and_resolution_are_bounded() public {
        scheduler.fund(theClient, 10_000 * COIN_1);
        Play memory play = submitted(15);
        vm.roll(vm.getBlockNumber() + 2);
        IScheduler.Bid[] memory bids = someBids(play.jobId, 16);
        vm.recordLogs();
        vm.prank(theClient);
        scheduler.assign(play.request, bids, "");
        assertTrue(vm.lastCallGas().gasTotalUsed < 2_500_000, "assign");
        play.roster = lastRoster();
        uint16[] memory tones = new uint16[](15);
        for (uint16 i; i < 15; ++i) tones[i] = 4000 * i;
        committed(play, all(15), tones);
        skip(play.request.settleWindow + 1);
        opened(play, all(15));
        assertTrue(vm.lastCallGas().gasTotalUsed < 2_500_000, "open");
        skip(play.request.disputeWindow + 1);
        resolved(play, all(15));
        assertTrue(vm.lastCallGas().gasTotalUsed < 5_000_000, "resolve");
        assertEq(stateOf(play), IScheduler.State.Settled, "settled");
    }

    /* SEVERAL STEPS IN ONE MESSAGE */

    function test_attack_a_batch_gives_nobody_anothers_authority() public {
        Play memory play = submitted(1);
        bytes[] memory steps = new bytes[](2);
        steps[0] = abi.encodeCall(IScheduler.withdraw, (false, CARRIER, 0));
        steps[1] = abi.encodeCall(IScheduler.cancel, (play.request, ""));
        expectBadSignature(theClient);
        vm.prank(CARRIER);
        scheduler.multicall(steps);
        assertEq(stateOf(play), IScheduler.State.Open, "open");
    }

    /// @dev All or nothing: a step that fails takes those before it back.
    function test_attack_no_half_of_a_batch_happens() public {
        bytes[] memory steps = new bytes[](2);
        steps[0] = abi.encodeCall(IScheduler.withdraw, (true, CARRIER, 10));
        steps[1] = abi.encodeCall(IScheduler.withdraw, (true, CARRIER, type(uint88).max));
        address node = vm.addr(keys[0]);
        vm.expectRevert();
        vm.prank(node);
        scheduler.multicall(steps);
        assertEq(coin.balanceOf(CARRIER), 0, "nothing moved");
        assertEq(scheduler.node(node).free, 1000 * COIN_1, "free");
    }
}
