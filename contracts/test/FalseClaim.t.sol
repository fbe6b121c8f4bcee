// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";
import {DrawLib} from "../src/libraries/DrawLib.sol";

/// @dev Claims to hold input, and proofs that one is false. The input is five chunks: four of 2,048 bytes and one of 100.
contract FalseClaimTest is Life {
    uint256 internal constant CHUNKS = 5;

    function chunk(uint256 index) internal pure returns (bytes memory content) {
        content = new bytes(index == CHUNKS - 1 ? 100 : 2048);
        for (uint256 i; i < content.length; ++i) content[i] = bytes1(uint8(i * 7 + index));
    }

    function levels() internal pure returns (bytes32[8] memory leaves, bytes32[4] memory pairs, bytes32[2] memory fours) {
        for (uint256 i; i < CHUNKS; ++i) leaves[i] = sha256(abi.encodePacked(bytes1(0x00), chunk(i)));
        for (uint256 i; i < 4; ++i) pairs[i] = sha256(abi.encodePacked(bytes1(0x01), leaves[2 * i], leaves[2 * i + 1]));
        for (uint256 i; i < 2; ++i) fours[i] = sha256(abi.encodePacked(bytes1(0x01), pairs[2 * i], pairs[2 * i + 1]));
    }

    struct Shown {
        bytes[] chunks;
        bytes32[][] proofs;
    }

    function shownFor(bytes32 seed) internal pure returns (Shown memory shown) {
        (bytes32[8] memory leaves, bytes32[4] memory pairs, bytes32[2] memory fours) = levels();
        shown = Shown(new bytes[](8), new bytes32[][](8));
        for (uint256 i; i < 8; ++i) {
            uint256 index = uint256(keccak256(abi.encode(seed, i))) % CHUNKS;
            shown.chunks[i] = chunk(index);
            shown.proofs[i] = new bytes32[](3);
            (shown.proofs[i][0], shown.proofs[i][1], shown.proofs[i][2]) = (leaves[index ^ 1], pairs[index / 2 ^ 1], fours[index / 4 ^ 1]);
        }
    }

    function rightFor(bytes32 seed, address account) internal pure returns (bytes16) {
        bytes memory picked;
        Shown memory shown = shownFor(seed);
        for (uint256 i; i < 8; ++i) picked = bytes.concat(picked, shown.chunks[i]);
        return bytes16(keccak256(abi.encode(keccak256(picked), account)));
    }

    function ready(uint8 replicas) internal returns (Play memory play) {
        IScheduler.JobRequest memory request = aRequest(replicas);
        (,, bytes32[2] memory fours) = levels();
        (request.dataRoot, request.dataBytes) = (sha256(abi.encodePacked(bytes1(0x01), fours[0], fours[1])), 4 * 2048 + 100);
        play = submitted(request);
        vm.roll(vm.getBlockNumber() + 2);
    }

    /// @dev All seats claim to hold everything; those in `liars` do not.
    function claimed(uint8 replicas, uint256 liars) internal returns (Play memory play, IScheduler.Bid[] memory bids) {
        play = ready(replicas);
        bytes32 seed = scheduler.seedOf(play.jobId);
        bids = new IScheduler.Bid[](replicas);
        for (uint256 i; i < replicas; ++i) {
            bids[i] = claimOf(keys[i], play.jobId, liars >> i & 1 == 1, seed);
        }
        assigned(play, bids);
        batchOf(play, all(replicas), new uint16[](replicas));
        // In order of seat.
        IScheduler.Bid[] memory drawn = new IScheduler.Bid[](replicas);
        for (uint256 i; i < replicas; ++i) {
            for (uint256 j; j < replicas; ++j) {
                if (bids[j].node == play.roster[i].node) drawn[i] = bids[j];
            }
        }
        bids = drawn;
    }

    function claimOf(uint256 key, bytes32 jobId, bool lies, bytes32 seed) internal view returns (IScheduler.Bid memory) {
        bytes16 possession = lies ? bytes16("made up") : rightFor(seed, vm.addr(key));
        return aClaim(key, jobId, PRICE, 10_000, possession, seed, 0);
    }

    function prove(Play memory play, uint8 index, IScheduler.Bid memory bid) internal {
        Shown memory shown = shownFor(scheduler.seedOf(play.jobId));
        vm.prank(CARRIER);
        scheduler.proveFalseClaim(play.request, play.sealed_, index, bid, shown.chunks, shown.proofs);
    }

    function isLie(IScheduler.Bid memory bid) internal pure returns (bool) {
        return bid.possession == bytes16("made up");
    }

    function seatOfLiar(IScheduler.Bid[] memory bids) internal pure returns (uint8 seat) {
        while (!isLie(bids[seat])) ++seat;
    }

    function test_a_false_claim_costs_the_stake() public {
        (Play memory play, IScheduler.Bid[] memory bids) = claimed(3, 2);
        uint8 liar = seatOfLiar(bids);
        IScheduler.Bid memory honest = bids[(liar + 1) % 3];
        committed(play, 7, new uint16[](3));
        Shown memory shown = shownFor(scheduler.seedOf(play.jobId));
        expectError(IScheduler.NoFalseClaim.selector);
        scheduler.proveFalseClaim(play.request, play.sealed_, (liar + 1) % 3, honest, shown.chunks, shown.proofs);
        vm.expectEmit(address(scheduler));
        emit IScheduler.FalseClaimProven(play.jobId, liar);
        prove(play, liar, bids[liar]);
        expectError(IScheduler.NoFalseClaim.selector);
        scheduler.proveFalseClaim(play.request, play.sealed_, liar, bids[liar], shown.chunks, shown.proofs);
        settled(play, uint16(7 & ~(1 << liar)));
        assertEq(scheduler.node(bids[liar].node).free, 1000 * COIN_1 - STAKE, "stake");
        assertEq(scheduler.node(bids[liar].node).bad, 2048, "rated");
        assertEq(scheduler.node(honest.node).free, 1000 * COIN_1 + PRICE + STAKE / 2, "shared by the others");
        assertSolvent();
    }

    function test_proven_before_the_commitments_it_is_lost_by_every_road() public {
        for (uint256 road; road < 3; ++road) {
            uint256 before = coin.balanceOf(GRAVE);
            (Play memory play, IScheduler.Bid[] memory bids) = claimedAt(uint64(road));
            uint8 liar = seatOfLiar(bids);
            uint256 had = scheduler.node(bids[liar].node).free + STAKE;
            prove(play, liar, bids[liar]);
            if (road == 0) {
                settledDirectly(play, 7);
            } else if (road == 1) {
                // It does not commit at all.
                committed(play, 7 & ~(1 << liar), new uint16[](3));
                skip(play.request.commitWindow + 1);
                scheduler.expire(play.request, play.roster);
                assertEq(scheduler.job(play.jobId).equivocated, 0, "dealt with");
                batchOf(play, 7 & ~(1 << liar), new uint16[](3));
                settled(play, uint16(7 & ~(1 << liar)));
                assertEq(coin.balanceOf(GRAVE) - before, STAKE, "burnt");
            } else {
                // Nobody commits.
                skip(play.request.commitWindow + 1);
                scheduler.expire(play.request, play.roster);
                assertEq(stateOf(play), IScheduler.State.Expired, "expired");
                assertEq(coin.balanceOf(GRAVE) - before, STAKE, "burnt");
            }
            assertEq(scheduler.node(bids[liar].node).free, had - STAKE, "stake");
            assertSolvent();
        }
    }

    function claimedAt(uint64 nonce) internal returns (Play memory play, IScheduler.Bid[] memory bids) {
        skip(nonce + 1);
        vm.roll(vm.getBlockNumber() + nonce + 1);
        return claimedBy(nonce);
    }

    function claimedBy(uint64 nonce) internal returns (Play memory play, IScheduler.Bid[] memory bids) {
        // Another nonce, so another job.
        nonceOf = nonce + 50;
        return claimed(3, 1);
    }

    uint64 internal nonceOf = 1;

    function submitted(IScheduler.JobRequest memory request) internal override returns (Play memory) {
        request.nonce = nonceOf;
        return super.submitted(request);
    }

    function test_locality_counts_only_with_a_claim() public {
        Play memory play = ready(1);
        bytes32 seed = scheduler.seedOf(play.jobId);
        // Equal but for the claim; who wins with and without is told by the keys.
        uint256 second = keyWith(seed, 0, 0) < keyWith(seed, 1, 0) ? 1 : 0;
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](2);
        bids[1 - second] = aBid(keys[1 - second], play.jobId, PRICE, 10_000);
        bytes16 right = rightFor(seed, vm.addr(keys[second]));
        bids[second] = aClaim(keys[second], play.jobId, PRICE, 10_000, right, seed, 0);
        uint256 winner = keyWith(seed, second, 10_000) < keyWith(seed, 1 - second, 0) ? second : 1 - second;
        assigned(play, bids);
        assertEq(play.roster[0].node, bids[winner].node, "by weight");
    }

    function keyWith(bytes32 seed, uint256 who, uint256 locality) internal view returns (uint256) {
        return DrawLib.key(seed, vm.addr(keys[who]), DrawLib.weight(1000 * COIN_1, 251, locality, PRICE, PRICE));
    }

    function test_a_claim_for_another_seed_is_no_bid() public {
        Play memory play = ready(1);
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](1);
        bids[0] = aClaim(keys[0], play.jobId, PRICE, 10_000, bytes16("right once"), keccak256("the seed of a block that was undone"), 0);
        vm.prank(theClient);
        expectBadSignature(bids[0].node);
        scheduler.assign(play.request, bids, "");
    }

    function test_reverts() public {
        (Play memory play, IScheduler.Bid[] memory bids) = claimed(2, 1);
        uint8 liar = seatOfLiar(bids);
        bytes32 seed = scheduler.seedOf(play.jobId);
        Shown memory shown = shownFor(seed);
        expectError(IScheduler.BadIndex.selector, 2);
        scheduler.proveFalseClaim(play.request, play.sealed_, 2, bids[liar], shown.chunks, shown.proofs);
        expectError(IScheduler.BadRoster.selector);
        scheduler.proveFalseClaim(play.request, play.sealed_, 1 - liar, bids[liar], shown.chunks, shown.proofs);
        IScheduler.Bid memory other = bids[liar];
        bytes memory signature = other.signature;
        other.signature = bids[1 - liar].signature;
        expectBadSignature(other.node);
        scheduler.proveFalseClaim(play.request, play.sealed_, liar, other, shown.chunks, shown.proofs);
        other.signature = signature;
        IScheduler.Bid memory nothing = aBid(keyOf(other.node), play.jobId, PRICE);
        expectError(IScheduler.NoFalseClaim.selector);
        scheduler.proveFalseClaim(play.request, play.sealed_, liar, nothing, shown.chunks, shown.proofs);
        // What is shown must be what the seed picks, under the root.
        bytes memory kept = shown.chunks[3];
        shown.chunks[3] = bytes.concat(kept, hex"00");
        expectError(IScheduler.BadChunk.selector, 3);
        scheduler.proveFalseClaim(play.request, play.sealed_, liar, other, shown.chunks, shown.proofs);
        kept[0] ^= 0x01;
        shown.chunks[3] = kept;
        expectError(IScheduler.BadChunk.selector, 3);
        scheduler.proveFalseClaim(play.request, play.sealed_, liar, other, shown.chunks, shown.proofs);
        kept[0] ^= 0x01;
        shown.proofs[5] = new bytes32[](4);
        expectError(IScheduler.BadChunk.selector, 5);
        scheduler.proveFalseClaim(play.request, play.sealed_, liar, other, shown.chunks, shown.proofs);
        Shown memory few = Shown(new bytes[](7), new bytes32[][](7));
        expectError(IScheduler.BadChunk.selector, 8);
        scheduler.proveFalseClaim(play.request, play.sealed_, liar, other, few.chunks, few.proofs);
        vm.roll(vm.getBlockNumber() + 9000);
        shown = shownFor(seed);
        expectError(IScheduler.SeedGone.selector, scheduler.job(play.jobId).seedBlock);
        scheduler.proveFalseClaim(play.request, play.sealed_, liar, other, shown.chunks, shown.proofs);
    }

    function test_not_of_who_is_absent_nor_once_it_is_over() public {
        (Play memory play, IScheduler.Bid[] memory bids) = claimed(3, 7);
        committed(play, 3, new uint16[](3));
        skip(play.request.commitWindow + 1);
        scheduler.expire(play.request, play.roster);
        batchOf(play, 3, new uint16[](3));
        Shown memory shown = shownFor(scheduler.seedOf(play.jobId));
        expectError(IScheduler.NotCommitted.selector, 2);
        scheduler.proveFalseClaim(play.request, play.sealed_, 2, bids[2], shown.chunks, shown.proofs);
        settled(play, 3);
        expectWrongState(IScheduler.State.Settled);
        scheduler.proveFalseClaim(play.request, play.sealed_, 0, bids[0], shown.chunks, shown.proofs);
    }

    /// @dev One seat that was audited; `bids` are its own and those of the two newcomers, of which one is honest.
    function widenedBy(uint256 liars) internal returns (Play memory play, IScheduler.Bid[] memory bids, bytes32 firstSeed) {
        (play, bids) = claimed(1, liars & 1);
        committed(play, 1, new uint16[](1));
        firstSeed = scheduler.seedOf(play.jobId);
        assertEq(scheduler.firstSeedOf(play.jobId), firstSeed, "only one yet");
        vm.roll(vm.getBlockNumber() + 100);
        vm.prank(theClient);
        scheduler.audit(play.request, play.sealed_, SECRET, AUDIT_BPS, "");
        vm.roll(vm.getBlockNumber() + 10);
        skip(play.request.assignWindow / 4 + 1);
        assertEq(scheduler.firstSeedOf(play.jobId), firstSeed, "still known");
        bids = withLater(play, bids[0], liars);
    }

    function withLater(Play memory play, IScheduler.Bid memory own, uint256 liars) internal view returns (IScheduler.Bid[] memory bids) {
        bytes32 seed = scheduler.seedOf(play.jobId);
        bids = new IScheduler.Bid[](3);
        bids[0] = own;
        for (uint256 i = 1; i < 3; ++i) {
            bids[i] = aClaim(keys[i], play.jobId, PRICE, 10_000, liars >> i & 1 == 1 ? bytes16("made up") : rightFor(seed, vm.addr(keys[i])), seed, 1);
        }
    }

    function drawnMore(Play memory play, IScheduler.Bid[] memory bids) internal {
        IScheduler.Bid[] memory later = new IScheduler.Bid[](2);
        (later[0], later[1]) = (bids[1], bids[2]);
        vm.recordLogs();
        scheduler.drawMore(play.request, play.roster, later);
        Log[] memory logs = recorded();
        play.roster = abi.decode(logs[logs.length - 1].data, (IScheduler.Seat[]));
        batchOf(play, 1, new uint16[](3));
        // In order of seat.
        if (play.roster[1].node != bids[1].node) (bids[1], bids[2]) = (bids[2], bids[1]);
    }

    function test_in_a_widened_job_each_by_its_own_seed() public {
        (Play memory play, IScheduler.Bid[] memory bids, bytes32 firstSeed) = widenedBy(3);
        drawnMore(play, bids);
        bytes32 seed = scheduler.seedOf(play.jobId);
        assertTrue(seed != firstSeed, "another seed");
        Shown memory first = shownFor(firstSeed);
        Shown memory second = shownFor(seed);
        uint8 liar = isLie(bids[1]) ? 1 : 2;
        // What the other seed picks convicts nobody.
        if (uint256(keccak256(abi.encode(firstSeed, uint256(0)))) % CHUNKS != uint256(keccak256(abi.encode(seed, uint256(0)))) % CHUNKS) {
            expectError(IScheduler.BadChunk.selector, 0);
            scheduler.proveFalseClaim(play.request, play.sealed_, 0, bids[0], second.chunks, second.proofs);
            expectError(IScheduler.BadChunk.selector, 0);
            scheduler.proveFalseClaim(play.request, play.sealed_, liar, bids[liar], first.chunks, first.proofs);
        }
        expectError(IScheduler.NoFalseClaim.selector);
        scheduler.proveFalseClaim(play.request, play.sealed_, 3 - liar, bids[3 - liar], second.chunks, second.proofs);
        scheduler.proveFalseClaim(play.request, play.sealed_, 0, bids[0], first.chunks, first.proofs);
        assertEq(scheduler.job(play.jobId).equivocated, 1, "the first seat");
        scheduler.proveFalseClaim(play.request, play.sealed_, liar, bids[liar], second.chunks, second.proofs);
        assertEq(scheduler.job(play.jobId).equivocated, 1 | 1 << liar, "and a newcomer");
    }

    function test_a_first_seat_loses_its_stake_at_the_end_of_a_widened_job() public {
        (Play memory play, IScheduler.Bid[] memory bids, bytes32 firstSeed) = widenedBy(1);
        drawnMore(play, bids);
        Shown memory first = shownFor(firstSeed);
        scheduler.proveFalseClaim(play.request, play.sealed_, 0, bids[0], first.chunks, first.proofs);
        batchOf(play, 7, new uint16[](3));
        settledDirectly(play, 7);
        assertEq(stateOf(play), IScheduler.State.Settled, "ended");
        assertEq(scheduler.node(bids[0].node).free, 1000 * COIN_1 - STAKE, "stake");
        assertEq(scheduler.node(bids[0].node).bad, 2048, "rated");
        assertEq(scheduler.node(bids[1].node).free, 1000 * COIN_1 + PRICE + STAKE / 2, "shared by the others");
        assertEq(scheduler.client(theClient).free, 1000 * COIN_1 - 2 * PRICE, "two are paid");
        assertEq(scheduler.client(theClient).locked, 0, "unlocked");
        assertSolvent();
    }

    function test_an_honest_first_seat_is_not_convicted_by_the_widening() public {
        (Play memory play, IScheduler.Bid[] memory bids, bytes32 firstSeed) = widenedBy(0);
        drawnMore(play, bids);
        Shown memory first = shownFor(firstSeed);
        expectError(IScheduler.NoFalseClaim.selector);
        scheduler.proveFalseClaim(play.request, play.sealed_, 0, bids[0], first.chunks, first.proofs);
        // A bid for the other draw, or one for the other seed, is not what it won by.
        IScheduler.Bid memory other = aClaim(keys[0], play.jobId, PRICE, 10_000, "made up", firstSeed, 1);
        expectBadSignature(other.node);
        scheduler.proveFalseClaim(play.request, play.sealed_, 0, other, first.chunks, first.proofs);
        other = aClaim(keys[0], play.jobId, PRICE, 10_000, "made up", scheduler.seedOf(play.jobId), 0);
        expectBadSignature(other.node);
        scheduler.proveFalseClaim(play.request, play.sealed_, 0, other, first.chunks, first.proofs);
    }

    function test_where_nobody_was_drawn_a_first_seat_is_convicted_all_the_same() public {
        (Play memory play, IScheduler.Bid[] memory bids, bytes32 firstSeed) = widenedBy(1);
        Shown memory first = shownFor(firstSeed);
        expectWrongState(IScheduler.State.Widening);
        scheduler.proveFalseClaim(play.request, play.sealed_, 0, bids[0], first.chunks, first.proofs);
        skip(play.request.assignWindow);
        scheduler.expire(play.request, play.roster);
        scheduler.proveFalseClaim(play.request, play.sealed_, 0, bids[0], first.chunks, first.proofs);
        settled(play, 0);
        assertEq(stateOf(play), IScheduler.State.Settled, "ended");
        assertEq(scheduler.node(bids[0].node).free, 1000 * COIN_1 - STAKE, "stake");
        assertEq(coin.balanceOf(GRAVE), STAKE, "burnt");
        assertSolvent();
    }

    function test_a_first_seed_that_is_gone_convicts_nobody() public {
        (Play memory play, IScheduler.Bid[] memory bids, bytes32 firstSeed) = widenedBy(1);
        drawnMore(play, bids);
        Shown memory first = shownFor(firstSeed);
        // Block hashes are known for 256 blocks: the widening's is, the first is not.
        vm.roll(vm.getBlockNumber() + 200);
        uint256 apart = scheduler.job(play.jobId).seedsApart;
        assertTrue(apart > 100, "apart");
        scheduler.seedOf(play.jobId);
        expectError(IScheduler.SeedGone.selector, scheduler.job(play.jobId).seedBlock - apart);
        scheduler.proveFalseClaim(play.request, play.sealed_, 0, bids[0], first.chunks, first.proofs);
    }
}
