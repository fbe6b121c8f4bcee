// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";
import {DrawLib} from "../src/libraries/DrawLib.sol";

contract AssignTest is Life {
    function ready(uint8 replicas) internal returns (Play memory play) {
        play = submitted(replicas);
        vm.roll(1002);
    }

    function call(Play memory play, IScheduler.Bid[] memory bids) internal {
        vm.prank(theClient);
        scheduler.assign(play.request, bids, "");
    }

    function test_draws_and_locks_the_stakes() public {
        Play memory play = ready(3);
        vm.warp(block.timestamp + 5);
        assigned(play, someBids(play.jobId, 5));
        IScheduler.Job memory job = scheduler.job(play.jobId);
        assertEq(job.state, IScheduler.State.Assigned, "state");
        assertEq(job.since, START + 105, "since");
        assertEq(job.rosterHash, keccak256(abi.encode(play.roster)), "roster hash");
        assertEq(play.roster.length, 3, "seats");
        for (uint256 i; i < 3; ++i) {
            IScheduler.Party memory party = scheduler.node(play.roster[i].node);
            assertEq(party.locked, STAKE, "locked");
            assertEq(party.free, 1000 * COIN_1 - STAKE, "free");
        }
        assertSolvent();
    }

    function test_carried_by_anyone_with_the_clients_signature() public {
        Play memory play = ready(3);
        IScheduler.Bid[] memory bids = someBids(play.jobId, 4);
        bytes memory signature = signAssignment(play.jobId, bids);
        vm.prank(CARRIER);
        scheduler.assign(play.request, bids, signature);
        assertEq(stateOf(play), IScheduler.State.Assigned, "state");
    }

    function test_fifteen_of_sixteen() public {
        Play memory play = ready(15);
        assigned(play, someBids(play.jobId, 16));
        assertEq(play.roster.length, 15, "seats");
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_the_smallest_keys_win_in_order(bytes32 blockHash, uint256 salt) public {
        vm.assume(blockHash != 0);
        uint8 replicas = uint8(salt % 15 + 1);
        Play memory play = ready(replicas);
        vm.setBlockhash(1001, blockHash);
        uint256 count = replicas + (salt >> 8) % (17 - replicas);
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](count);
        uint256[] memory sorted = new uint256[](count);
        bytes32 seed = keccak256(abi.encode(blockHash, play.jobId));
        for (uint256 i; i < count; ++i) {
            uint256 random = uint256(keccak256(abi.encode(salt, i)));
            bids[i] = aBid(keys[i], play.jobId, uint88(random % (PRICE + 1)), uint16((random >> 100) % 10_001));
            uint256 weight = DrawLib.weight(1000 * COIN_1, 251, 0, bids[i].price, PRICE);
            sorted[i] = DrawLib.key(seed, bids[i].node, weight) << 8 | i;
            for (uint256 j = i; j > 0 && sorted[j] < sorted[j - 1]; --j) {
                (sorted[j], sorted[j - 1]) = (sorted[j - 1], sorted[j]);
            }
        }
        assigned(play, bids);
        for (uint256 i; i < replicas; ++i) {
            assertEq(play.roster[i].node, bids[uint8(sorted[i])].node, "seat");
            assertEq(play.roster[i].price, bids[uint8(sorted[i])].price, "price");
        }
    }

    function test_passes_over_the_unfit() public {
        Play memory play = ready(1);
        // 0: stake deposited after the submit; 1: too little of it; 2: too dear; 3: claims more than all of the input.
        vm.warp(block.timestamp + 1);
        coin.transfer(vm.addr(keys[0]), 1);
        vm.prank(vm.addr(keys[0]));
        scheduler.register(1, "");
        vm.prank(vm.addr(keys[1]));
        scheduler.withdraw(true, CARRIER, 960 * COIN_1 + 1);
        IScheduler.Bid[] memory bids = someBids(play.jobId, 4);
        bids[2] = aBid(keys[2], play.jobId, PRICE + 1);
        bids[3] = aBid(keys[3], play.jobId, PRICE, 10_001);
        expectError(IScheduler.NotEnoughBids.selector, 0, 1);
        call(play, bids);
        bids[3] = aBid(keys[3], play.jobId, PRICE, 10_000);
        assigned(play, bids);
        assertEq(play.roster[0].node, vm.addr(keys[3]), "seat");
    }

    function test_passes_over_the_unregistered_and_the_ill_reputed() public {
        IScheduler.JobRequest memory request = aRequest(1);
        request.minScore = 252;
        Play memory play = submitted(request);
        vm.roll(1002);
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](1);
        bids[0] = aBid(uint256(keccak256("nobody")), play.jobId, PRICE);
        expectError(IScheduler.NotEnoughBids.selector, 0, 1);
        call(play, bids);
        bids[0] = aBid(keys[0], play.jobId, PRICE);
        expectError(IScheduler.NotEnoughBids.selector, 0, 1);
        call(play, bids);
        assertEq(scheduler.scoreOf(vm.addr(keys[0]), true), 251, "a newcomer's score");
    }

    function test_stake_deposited_in_the_block_of_the_submit_counts() public {
        coin.transfer(vm.addr(keys[0]), 1);
        vm.prank(vm.addr(keys[0]));
        scheduler.register(1, "");
        Play memory play = ready(1);
        assigned(play, someBids(play.jobId, 1));
        assertEq(play.roster[0].node, vm.addr(keys[0]), "seat");
    }

    function test_exactly_the_stake_is_enough() public {
        Play memory play = ready(1);
        vm.prank(vm.addr(keys[0]));
        scheduler.withdraw(true, CARRIER, 1000 * COIN_1 - STAKE);
        assigned(play, someBids(play.jobId, 1));
        assertEq(scheduler.node(play.roster[0].node).free, 0, "free");
    }

    function test_reverts_NotEnoughBids() public {
        Play memory play = ready(3);
        IScheduler.Bid[] memory bids = someBids(play.jobId, 2);
        expectError(IScheduler.NotEnoughBids.selector, 2, 3);
        call(play, bids);
        bids = new IScheduler.Bid[](0);
        expectError(IScheduler.NotEnoughBids.selector, 0, 3);
        call(play, bids);
    }

    function test_reverts_TooManyBids() public {
        Play memory play = ready(3);
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](17);
        expectError(IScheduler.TooManyBids.selector, 17);
        call(play, bids);
    }

    function test_reverts_BadOrder() public {
        Play memory play = ready(1);
        IScheduler.Bid[] memory bids = someBids(play.jobId, 3);
        (bids[1], bids[2]) = (bids[2], bids[1]);
        expectError(IScheduler.BadOrder.selector);
        call(play, bids);
        bids[2] = bids[1];
        expectError(IScheduler.BadOrder.selector);
        call(play, bids);
        bids[0].node = address(0);
        expectError(IScheduler.BadOrder.selector);
        call(play, bids);
    }

    function test_reverts_BadSignature_of_a_bid() public {
        Play memory play = ready(1);
        IScheduler.Bid[] memory bids = someBids(play.jobId, 3);
        bids[1].price -= 1;
        expectBadSignature(bids[1].node);
        call(play, bids);
        bids = someBids(keccak256("another job"), 3);
        expectBadSignature(bids[0].node);
        call(play, bids);
        bids = someBids(play.jobId, 3);
        bids[2].signature = malleated(bids[2].signature);
        expectBadSignature(bids[2].node);
        call(play, bids);
        bids[2].signature = "";
        expectBadSignature(bids[2].node);
        call(play, bids);
    }

    function test_reverts_BadSignature_of_the_client() public {
        Play memory play = ready(1);
        IScheduler.Bid[] memory bids = someBids(play.jobId, 3);
        expectBadSignature(theClient);
        vm.prank(CARRIER);
        scheduler.assign(play.request, bids, "");
        bytes memory signature = signAssignment(play.jobId, bids);
        bids[1] = aBid(keys[1], play.jobId, 1);
        expectBadSignature(theClient);
        vm.prank(CARRIER);
        scheduler.assign(play.request, bids, signature);
    }

    function test_reverts_WrongState() public {
        Play memory play;
        play.request = aRequest(3);
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](0);
        expectWrongState(IScheduler.State.None);
        call(play, bids);
        play = assigned(3);
        expectWrongState(IScheduler.State.Assigned);
        call(play, bids);
    }

    function test_reverts_TooLate() public {
        Play memory play = ready(1);
        IScheduler.Bid[] memory bids = someBids(play.jobId, 3);
        vm.warp(START + 100 + 10 minutes + 1);
        expectError(IScheduler.TooLate.selector, START + 100 + 10 minutes);
        call(play, bids);
        vm.warp(START + 100 + 10 minutes);
        call(play, bids);
    }

    function test_reverts_SeedNotYet() public {
        Play memory play = submitted(1);
        IScheduler.Bid[] memory bids = someBids(play.jobId, 3);
        vm.roll(1001);
        expectError(IScheduler.SeedNotYet.selector, 1001);
        call(play, bids);
    }

    function test_the_history_contract_serves_older_blocks() public {
        Play memory play = ready(1);
        IScheduler.Bid[] memory bids = someBids(play.jobId, 8);
        vm.roll(1001 + 256);
        call(play, bids);

        play.request.nonce = 2;
        play = submitted(play.request);
        uint256 seedBlock = scheduler.job(play.jobId).seedBlock;
        bids = someBids(play.jobId, 8);
        vm.roll(seedBlock + 257);
        expectError(IScheduler.SeedGone.selector, seedBlock);
        call(play, bids);
        // Returns keccak256(its 32 bytes of input): calldatacopy(0, 0, 32) mstore(0, keccak256(0, 32)) return(0, 32)
        vm.etch(0x0000F90827F1C53a10cb7A02335B175320002935, hex"60205f5f3760205f205f5260205ff3");
        assigned(play, bids);
        bytes32 seed = keccak256(abi.encode(keccak256(abi.encode(seedBlock)), play.jobId));
        assertEq(play.roster[0].node, best(seed, bids), "drawn by the history's hash");
    }

    function test_filecoin_uses_the_beacon_of_the_epoch() public {
        scheduler = deployScheduler(coin, deployRandomness("Drand"), 1, 1 minutes, 30 days);
        coin.approve(address(scheduler), type(uint256).max);
        scheduler.fund(theClient, 1000 * COIN_1);
        for (uint256 i; i < NODES; ++i) registerNode(keys[i], 100 * COIN_1);
        vm.warp(START + 200);
        Play memory play;
        vm.roll(1002);
        uint64[2] memory chains = [uint64(314), 314159];
        for (uint256 i; i < 2; ++i) {
            // The id depends on the chain, so the job must be submitted there.
            vm.chainId(chains[i]);
            play = Play(aRequest(1), scheduler.jobIdOf(aRequest(1)), play.roster, play.sealed_, play.openings);
            vm.prank(theClient);
            scheduler.submit(play.request, "");
            uint256 seedBlock = scheduler.job(play.jobId).seedBlock;
            domain = domainOf(chains[i], address(scheduler));
            IScheduler.Bid[] memory bids = someBids(play.jobId, 8);
            vm.roll(block.number + 2);
            vm.etch(0xfE00000000000000000000000000000000000006, hex"");
            expectError(IScheduler.SeedGone.selector, seedBlock);
            call(play, bids);
            vm.etch(0xfE00000000000000000000000000000000000006, hex"60205f5f3760205f205f5260205ff3");
            assigned(play, bids);
            bytes32 seed = keccak256(abi.encode(keccak256(abi.encode(seedBlock)), play.jobId));
            assertEq(play.roster[0].node, best(seed, bids), "drawn by the beacon");
        }
    }

    /// @dev Of newcomers with equal stakes.
    function best(bytes32 seed, IScheduler.Bid[] memory bids) internal view returns (address winner) {
        uint256 least = type(uint256).max;
        for (uint256 i; i < bids.length; ++i) {
            IScheduler.Party memory party = scheduler.node(bids[i].node);
            uint256 stake = uint256(party.free) + party.locked;
            uint256 key = DrawLib.key(seed, bids[i].node, DrawLib.weight(stake, 251, 0, bids[i].price, PRICE));
            if (key < least) (least, winner) = (key, bids[i].node);
        }
    }
}
