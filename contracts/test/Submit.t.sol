// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

contract SubmitTest is Life {
    function test_locks_one_price_a_replica_and_the_bond() public {
        IScheduler.JobRequest memory request = aRequest(3);
        bytes32 jobId = scheduler.jobIdOf(request);
        assertEq(jobId, digestOf(requestHash(request)), "the id is the EIP-712 digest");
        vm.expectEmit(address(scheduler));
        emit IScheduler.Submitted(jobId, theClient, request, 1001);
        vm.prank(theClient);
        assertEq(scheduler.submit(request, ""), jobId, "returned");

        IScheduler.Job memory job = scheduler.job(jobId);
        assertEq(job.state, IScheduler.State.Open, "state");
        assertEq(job.seedBlock, 1001, "seed block");
        assertEq(job.since, block.timestamp, "since");
        assertEq(job.rosterHash, 0, "roster");
        IScheduler.Party memory party = scheduler.client(theClient);
        assertEq(party.locked, 4 * PRICE, "locked");
        assertEq(party.free, 1000 * COIN_1 - 4 * PRICE, "free");
        assertSolvent();
    }

    function test_carried_by_anyone_with_the_clients_signature() public {
        IScheduler.JobRequest memory request = aRequest(3);
        bytes memory signature = signRequest(request);
        vm.prank(CARRIER);
        bytes32 jobId = scheduler.submit(request, signature);
        assertEq(scheduler.job(jobId).state, IScheduler.State.Open, "state");
    }

    function test_pulls_what_the_purse_lacks() public {
        vm.prank(theClient);
        scheduler.withdraw(false, theClient, 990 * COIN_1);
        vm.prank(theClient);
        coin.approve(address(scheduler), 30 * COIN_1);
        IScheduler.JobRequest memory request = aRequest(3);
        bytes memory signature = signRequest(request);
        vm.expectEmit(address(scheduler));
        emit IScheduler.Funded(theClient, 30 * COIN_1);
        vm.prank(CARRIER);
        scheduler.submit(request, signature);
        assertEq(scheduler.client(theClient).free, 0, "free");
        assertEq(scheduler.client(theClient).locked, 40 * COIN_1, "locked");
        assertEq(coin.balanceOf(theClient), 960 * COIN_1, "coin");
        assertSolvent();
    }

    function test_reverts_without_allowance_for_the_rest() public {
        vm.prank(theClient);
        scheduler.withdraw(false, theClient, 990 * COIN_1);
        IScheduler.JobRequest memory request = aRequest(3);
        vm.expectRevert();
        vm.prank(theClient);
        scheduler.submit(request, "");
    }

    function test_reverts_WrongState_a_second_time_whatever_became_of_the_first() public {
        Play memory play = submitted(3);
        expectWrongState(IScheduler.State.Open);
        vm.prank(theClient);
        scheduler.submit(play.request, "");
        vm.prank(theClient);
        scheduler.cancel(play.request, "");
        expectWrongState(IScheduler.State.Cancelled);
        vm.prank(theClient);
        scheduler.submit(play.request, "");
    }

    function test_reverts_BadRequest_naming_the_field() public {
        IScheduler.JobRequest memory request;
        (request = aRequest(3)).replicas = 0;
        refuse(request, 3);
        (request = aRequest(3)).replicas = 16;
        refuse(request, 3);
        (request = aRequest(3)).policy = 3;
        refuse(request, 4);
        (request = aRequest(3)).maxPrice = 0;
        refuse(request, 5);
        (request = aRequest(3)).stake = PRICE - 1;
        refuse(request, 6);
        (request = aRequest(3)).minScore = 10_001;
        refuse(request, 7);
        uint32[2] memory windows = [uint32(59), 30 days + 1];
        for (uint256 i; i < 2; ++i) {
            (request = aRequest(3)).assignWindow = windows[i];
            refuse(request, 8);
            (request = aRequest(3)).commitWindow = windows[i];
            refuse(request, 9);
            (request = aRequest(3)).settleWindow = windows[i];
            refuse(request, 10);
            (request = aRequest(3)).disputeWindow = windows[i];
            refuse(request, 11);
        }
    }

    function refuse(IScheduler.JobRequest memory request, uint8 field) internal {
        expectError(IScheduler.BadRequest.selector, field);
        vm.prank(theClient);
        scheduler.submit(request, "");
    }

    function test_reverts_BadSignature() public {
        IScheduler.JobRequest memory request = aRequest(3);
        bytes memory signature = signRequest(request);
        refuseSignature(request, "");
        refuseSignature(request, sign(keys[0], requestHash(request)));
        refuseSignature(request, malleated(signature));
        refuseSignature(request, abi.encodePacked(signature, bytes1(0)));
        refuseSignature(request, new bytes(65));
        request.nonce = 2;
        refuseSignature(request, signature);
    }

    function refuseSignature(IScheduler.JobRequest memory request, bytes memory signature) internal {
        expectBadSignature(theClient);
        vm.prank(CARRIER);
        scheduler.submit(request, signature);
    }

    function test_a_wrong_signature_is_refused_from_the_client_too() public {
        expectBadSignature(theClient);
        vm.prank(theClient);
        scheduler.submit(aRequest(3), new bytes(65));
    }

    function test_reverts_AmountTooLarge() public {
        IScheduler.JobRequest memory request = aRequest(15);
        request.maxPrice = type(uint88).max / 16 + 1;
        request.stake = request.maxPrice;
        expectError(IScheduler.AmountTooLarge.selector);
        vm.prank(theClient);
        scheduler.submit(request, "");
    }

    function test_reverts_on_unclean_bits() public {
        bytes memory data = abi.encodeCall(IScheduler.submit, (aRequest(3), ""));
        // Selector, then 14 words: a bit above the value of each narrow one makes another id of the same request.
        uint8[10] memory narrow = [0, 1, 3, 4, 5, 6, 7, 8, 9, 10];
        for (uint256 i; i < narrow.length; ++i) {
            bytes memory unclean = bytes.concat(data);
            unclean[4 + 32 * uint256(narrow[i])] = 0x01;
            vm.prank(theClient);
            (bool ok,) = address(scheduler).call(unclean);
            assertTrue(!ok, "accepted");
        }
        vm.prank(theClient);
        (bool fine,) = address(scheduler).call(data);
        assertTrue(fine, "clean");
    }

    function testFuzz_any_terms(IScheduler.JobRequest memory request) public {
        request.client = theClient;
        request.replicas = request.replicas % 15 + 1;
        request.policy = request.policy % 3;
        request.maxPrice = request.maxPrice % (50 * COIN_1) + 1;
        if (request.stake < request.maxPrice) request.stake = request.maxPrice;
        request.minScore = request.minScore % 10_001;
        if (request.shards == 0) request.shards = 1;
        if (request.dataBytes == 0) request.dataBytes = 1;
        request.assignWindow = request.assignWindow % 1 days + 1 minutes;
        request.commitWindow = request.commitWindow % 1 days + 1 minutes;
        request.settleWindow = request.settleWindow % 1 days + 1 minutes;
        request.disputeWindow = request.disputeWindow % 1 days + 1 minutes;
        bytes memory signature = signRequest(request);
        vm.prank(CARRIER);
        bytes32 jobId = scheduler.submit(request, signature);
        assertEq(jobId, digestOf(requestHash(request)), "id");
        assertEq(scheduler.client(theClient).locked, (uint256(request.replicas) + 1) * request.maxPrice, "locked");
        assertSolvent();
    }
}
