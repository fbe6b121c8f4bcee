// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";
import {DrawLib} from "../src/libraries/DrawLib.sol";
import {MajorityLib} from "../src/libraries/MajorityLib.sol";
import {PossessionLib} from "../src/libraries/PossessionLib.sol";
import {ReputationLib} from "../src/libraries/ReputationLib.sol";
import {SketchLib} from "../src/libraries/SketchLib.sol";
import {StatementLib} from "../src/libraries/StatementLib.sol";
import {TermsLib} from "../src/libraries/TermsLib.sol";

/// @dev The libraries that take calldata, callable.
contract Harness {
    function distance(bytes calldata a, bytes calldata b) external pure returns (uint256 worst, uint256 strict) {
        return SketchLib.distance(a, b);
    }

    function majority(IScheduler.Opening[] calldata openings, IScheduler.Policy policy, uint256 height) external pure returns (uint16) {
        return MajorityLib.majority(openings, policy, height);
    }

    function proofLength(IScheduler.JobRequest calldata request) external pure returns (uint256) {
        return TermsLib.proofLength(request);
    }

    function jobRequest(IScheduler.JobRequest calldata request) external pure returns (bytes32) {
        return StatementLib.jobRequest(request);
    }

    function bidsHash(IScheduler.Bid[] calldata bids) external pure returns (bytes32) {
        return StatementLib.bidsHash(bids);
    }

    function rosterHash(IScheduler.Seat[] calldata roster) external pure returns (bytes32) {
        return StatementLib.rosterHash(roster);
    }

    function sealedRosterHash(IScheduler.SealedSeat[] calldata roster) external pure returns (bytes32) {
        return StatementLib.rosterHash(roster);
    }

    function foldedRosterHash(IScheduler.Seat[] calldata roster, bytes32[] memory commitments) external pure returns (bytes32) {
        return StatementLib.sealedRosterHash(roster, commitments);
    }

    function sketchRoot(bytes calldata sketch, bytes32[] calldata proof, uint256 shard) external pure returns (bytes32) {
        return StatementLib.sketchRoot(sketch, proof, shard);
    }

    function possession(bytes32 root, uint256 size, bytes32 seed, address node, bytes[] calldata chunks, bytes32[][] calldata proofs)
        external
        pure
        returns (bytes16)
    {
        return PossessionLib.possession(root, size, seed, node, chunks, proofs);
    }

    function sealedHash(bytes32 jobId, address node, IScheduler.Opening calldata opening) external pure returns (bytes32) {
        return StatementLib.sealedHash(jobId, node, opening, 0);
    }
}

/// @dev Against the vectors that the TypeScript is held to as well: test/conformance/vectors/*.json.
contract LibrariesTest is Life {
    Harness internal harness = new Harness();

    function vectors(string memory name) internal view returns (string memory) {
        return vm.readFile(string.concat("test/conformance/vectors/", name));
    }

    function item(string memory path, uint256 i, string memory field) internal pure returns (string memory) {
        return string.concat(path, "[", vm.toString(i), "]", field);
    }

    function test_sketch_vectors() public view {
        string memory json = vectors("sketch.json");
        uint256 i;
        for (; vm.keyExistsJson(json, item("$", i, ".a")); ++i) {
            bytes memory a = vm.parseJsonBytes(json, item("$", i, ".a"));
            bytes memory b = vm.parseJsonBytes(json, item("$", i, ".b"));
            (uint256 distance, uint256 strict) = harness.distance(a, b);
            assertEq(distance, vm.parseJsonUint(json, item("$", i, ".distance")), vm.toString(i));
            assertEq(strict, vm.parseJsonUint(json, item("$", i, ".strict")), vm.toString(i));
            (uint256 back, uint256 strictBack) = harness.distance(b, a);
            assertTrue(back == distance && strictBack == strict, vm.toString(i));
        }
        assertTrue(i > 100, "vectors");
    }

    function test_reputation_vectors() public view {
        string memory json = vectors("reputation.json");
        uint256[] memory good = vm.parseJsonUintArray(json, "$.score.good");
        uint256[] memory bad = vm.parseJsonUintArray(json, "$.score.bad");
        uint256[] memory score = vm.parseJsonUintArray(json, "$.score.score");
        for (uint256 i; i < score.length; ++i) assertEq(ReputationLib.score(good[i], bad[i]), score[i], vm.toString(i));

        good = vm.parseJsonUintArray(json, "$.decay.good");
        bad = vm.parseJsonUintArray(json, "$.decay.bad");
        uint256[] memory today = vm.parseJsonUintArray(json, "$.decay.today");
        uint256[] memory goodAfter = vm.parseJsonUintArray(json, "$.decay.goodAfter");
        uint256[] memory badAfter = vm.parseJsonUintArray(json, "$.decay.badAfter");
        for (uint256 i; i < today.length; ++i) {
            (uint256 g, uint256 b) = ReputationLib.decay(good[i], bad[i], 20_000, today[i]);
            assertEq(g, goodAfter[i], vm.toString(i));
            assertEq(b, badAfter[i], vm.toString(i));
        }
        assertTrue(score.length > 100 && today.length > 100, "vectors");
    }

    function test_draw_vectors() public view {
        string memory json = vectors("draw.json");
        for (uint256 i; i < 128; ++i) {
            bytes32 seed = vm.parseJsonBytes32(json, item("$.exponential.seed", i, ""));
            address account = vm.parseJsonAddress(json, item("$.exponential.node", i, ""));
            uint256 expected = vm.parseJsonUint(json, item("$.exponential.value", i, ""));
            assertEq(DrawLib.exponential(uint256(keccak256(abi.encode(seed, account)))), expected, vm.toString(i));
        }
        uint256[] memory stake = vm.parseJsonUintArray(json, "$.weight.stake");
        uint256[] memory score = vm.parseJsonUintArray(json, "$.weight.score");
        uint256[] memory locality = vm.parseJsonUintArray(json, "$.weight.locality");
        uint256[] memory price = vm.parseJsonUintArray(json, "$.weight.price");
        uint256[] memory maxPrice = vm.parseJsonUintArray(json, "$.weight.maxPrice");
        uint256[] memory weight = vm.parseJsonUintArray(json, "$.weight.weight");
        for (uint256 i; i < weight.length; ++i) {
            assertEq(DrawLib.weight(stake[i], score[i], locality[i], price[i], maxPrice[i]), weight[i], vm.toString(i));
        }
        for (uint256 i; i < 40; ++i) race(json, item("$.races", i, ""));
    }

    function race(string memory json, string memory path) internal pure {
        uint256[] memory stake = vm.parseJsonUintArray(json, string.concat(path, ".stake"));
        uint256[] memory score = vm.parseJsonUintArray(json, string.concat(path, ".score"));
        uint256[] memory locality = vm.parseJsonUintArray(json, string.concat(path, ".locality"));
        uint256[] memory price = vm.parseJsonUintArray(json, string.concat(path, ".price"));
        uint256[] memory winners = vm.parseJsonUintArray(json, string.concat(path, ".winners"));
        uint256[] memory best = new uint256[](winners.length);
        bytes32 seed = vm.parseJsonBytes32(json, string.concat(path, ".seed"));
        uint256 maxPrice = vm.parseJsonUint(json, string.concat(path, ".maxPrice"));
        for (uint256 i; i < stake.length; ++i) {
            address account = vm.parseJsonAddress(json, item(string.concat(path, ".node"), i, ""));
            uint256 weight = DrawLib.weight(stake[i], score[i], locality[i], price[i], maxPrice);
            DrawLib.enter(best, i, DrawLib.key(seed, account, weight), i);
        }
        for (uint256 i; i < winners.length; ++i) assertEq(uint8(best[i]), winners[i], path);
    }

    function test_majority_vectors() public view {
        majorities("majority.json");
    }

    function test_majority_of_shards_vectors() public view {
        majorities("majority-shards.json");
    }

    function majorities(string memory name) internal view {
        string memory json = vectors(name);
        IScheduler.JobRequest memory request = aRequest(1);
        uint256 i;
        for (; vm.keyExistsJson(json, item("$", i, ".tones")); ++i) {
            uint256[] memory tones = vm.parseJsonUintArray(json, item("$", i, ".tones"));
            uint256[] memory majority = vm.parseJsonUintArray(json, item("$", i, ".majority"));
            uint256 expected;
            for (uint256 j; j < majority.length; ++j) expected |= 1 << majority[j];
            IScheduler.Opening[] memory openings = new IScheduler.Opening[](tones.length);
            uint256[] memory bits = vm.parseJsonUintArray(json, item("$", i, ".bits"));
            uint256[] memory results = vm.parseJsonUintArray(json, item("$", i, ".results"));
            for (uint8 j; j < tones.length; ++j) {
                openings[j] = openingOf(j, uint16(tones[j]));
                openings[j].resultDigest = bytes32(results[j]);
                withContent(openings[j].sketch, (1 << bits[j]) - 1);
            }
            request.shards = uint32(vm.parseJsonUint(json, item("$", i, ".shards")));
            uint256 height = harness.proofLength(request);
            assertEq(harness.majority(openings, IScheduler.Policy.Trace, height), expected, vm.toString(i));
        }
        assertTrue(i > 50, "vectors");
    }

    /// @dev Sets the last eight bytes.
    function withContent(bytes memory sketch, uint256 content) internal pure {
        for (uint256 k; k < 8; ++k) sketch[sketch.length - 1 - k] = bytes1(uint8(content >> (8 * k)));
    }

    function test_majority_names_seats_not_positions() public view {
        IScheduler.Opening[] memory openings = new IScheduler.Opening[](3);
        (openings[0], openings[1], openings[2]) = (openingOf(2, 0), openingOf(5, 30_000), openingOf(14, 0));
        assertEq(harness.majority(openings, IScheduler.Policy.Trace, 0), 1 << 2 | 1 << 14, "trace");
        assertEq(harness.majority(openings, IScheduler.Policy.None, 0), 1 << 2 | 1 << 5 | 1 << 14, "none");
        openings[1].resultDigest = openings[0].resultDigest;
        openings[2].resultDigest = 0;
        assertEq(harness.majority(openings, IScheduler.Policy.Exact, 0), 1 << 2 | 1 << 5, "exact");
        assertEq(harness.majority(new IScheduler.Opening[](0), IScheduler.Policy.None, 0), 0, "nobody");
    }

    function test_statement_vectors() public view {
        string memory json = vectors("statements.json");
        IScheduler.JobRequest memory request = IScheduler.JobRequest({
            client: vm.parseJsonAddress(json, "$.request.client"),
            nonce: uint64(vm.parseJsonUint(json, "$.request.nonce")),
            specDigest: vm.parseJsonBytes32(json, "$.request.specDigest"),
            replicas: uint8(vm.parseJsonUint(json, "$.request.replicas")),
            policy: uint8(vm.parseJsonUint(json, "$.request.policy")),
            maxPrice: uint88(vm.parseJsonUint(json, "$.request.maxPrice")),
            stake: uint88(vm.parseJsonUint(json, "$.request.stake")),
            minScore: uint16(vm.parseJsonUint(json, "$.request.minScore")),
            assignWindow: uint32(vm.parseJsonUint(json, "$.request.assignWindow")),
            commitWindow: uint32(vm.parseJsonUint(json, "$.request.commitWindow")),
            settleWindow: uint32(vm.parseJsonUint(json, "$.request.settleWindow")),
            disputeWindow: uint32(vm.parseJsonUint(json, "$.request.disputeWindow")),
            sealKey: vm.parseJsonBytes32(json, "$.request.sealKey"),
            secretHash: vm.parseJsonBytes32(json, "$.request.secretHash"),
            reach: vm.parseJsonUint(json, "$.request.reach"),
            bidBlocks: uint16(vm.parseJsonUint(json, "$.request.bidBlocks")),
            shards: uint32(vm.parseJsonUint(json, "$.request.shards")),
            dataRoot: vm.parseJsonBytes32(json, "$.request.dataRoot"),
            dataBytes: uint64(vm.parseJsonUint(json, "$.request.dataBytes"))
        });
        bytes32 domain_ = domainOf(vm.parseJsonUint(json, "$.chainId"), vm.parseJsonAddress(json, "$.scheduler"));
        bytes32 jobId = vm.parseJsonBytes32(json, "$.jobId");
        assertEq(keccak256(abi.encodePacked(hex"1901", domain_, harness.jobRequest(request))), jobId, "job id");
        assertEq(harness.jobRequest(request), requestHash(request), "struct hash");

        uint256[] memory price = vm.parseJsonUintArray(json, "$.bids.price");
        uint256[] memory locality = vm.parseJsonUintArray(json, "$.bids.locality");
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](price.length);
        IScheduler.Seat[] memory roster = new IScheduler.Seat[](price.length);
        for (uint256 i; i < price.length; ++i) {
            address account = vm.parseJsonAddress(json, item("$.bids.node", i, ""));
            bids[i] = IScheduler.Bid(account, uint88(price[i]), uint16(locality[i]), bytes16(vm.parseJsonBytes(json, item("$.bids.possession", i, ""))), "");
            roster[i] = IScheduler.Seat(account, uint88(price[i]));
        }
        assertEq(harness.bidsHash(bids), vm.parseJsonBytes32(json, "$.bidsHash"), "bids");
        assertEq(harness.bidsHash(new IScheduler.Bid[](0)), vm.parseJsonBytes32(json, "$.noBidsHash"), "no bids");
        assertEq(harness.rosterHash(roster), vm.parseJsonBytes32(json, "$.rosterHash"), "roster");

        IScheduler.Opening memory opening = IScheduler.Opening({
            index: 0,
            resultDigest: vm.parseJsonBytes32(json, "$.opening.resultDigest"),
            evidenceDigest: vm.parseJsonBytes32(json, "$.opening.evidenceDigest"),
            salt: vm.parseJsonBytes32(json, "$.opening.salt"),
            sketch: vm.parseJsonBytes(json, "$.opening.sketch"),
            proof: new bytes32[](0)
        });
        bytes32 commitment = harness.sealedHash(jobId, roster[0].node, opening);
        assertEq(commitment, vm.parseJsonBytes32(json, "$.commitment"), "commitment");
    }

    function test_shard_vectors() public view {
        string memory json = vectors("shards.json");
        uint256 i;
        for (; vm.keyExistsJson(json, item("$", i, ".root")); ++i) {
            bytes32 root = vm.parseJsonBytes32(json, item("$", i, ".root"));
            bytes[] memory sketches = vm.parseJsonBytesArray(json, item("$", i, ".sketches"));
            for (uint256 shard; shard < sketches.length; ++shard) {
                bytes32[] memory proof = vm.parseJsonBytes32Array(json, item(item("$", i, ".proofs"), shard, ""));
                assertEq(harness.sketchRoot(sketches[shard], proof, shard), root, vm.toString(shard));
            }
        }
        assertTrue(i == 6, "vectors");
    }

    function test_possession_vectors() public view {
        string memory json = vectors("possession.json");
        uint256 i;
        for (; vm.keyExistsJson(json, item("$", i, ".dataRoot")); ++i) {
            bytes32[][] memory proofs = new bytes32[][](8);
            for (uint256 j; j < 8; ++j) proofs[j] = vm.parseJsonBytes32Array(json, item(item("$", i, ".proofs"), j, ""));
            bytes16 possession = harness.possession(
                vm.parseJsonBytes32(json, item("$", i, ".dataRoot")),
                vm.parseJsonUint(json, item("$", i, ".dataBytes")),
                vm.parseJsonBytes32(json, item("$", i, ".seed")),
                vm.parseJsonAddress(json, item("$", i, ".node")),
                vm.parseJsonBytesArray(json, item("$", i, ".chunks")),
                proofs
            );
            assertEq(bytes32(possession), bytes32(vm.parseJsonBytes(json, item("$", i, ".possession"))), vm.toString(i));
        }
        assertTrue(i == 5, "vectors");
    }

    function test_audit_vectors() public view {
        string memory json = vectors("audits.json");
        uint256[] memory bps = vm.parseJsonUintArray(json, "$.auditBps");
        uint256[] memory audited = vm.parseJsonUintArray(json, "$.audited");
        for (uint256 i; i < bps.length; ++i) {
            bytes32 secret = vm.parseJsonBytes32(json, item("$.secret", i, ""));
            bytes32 hash = keccak256(abi.encode(secret, uint16(bps[i])));
            assertEq(hash, vm.parseJsonBytes32(json, item("$.secretHash", i, "")), "hash");
            bytes32 word = keccak256(
                abi.encode(secret, vm.parseJsonBytes32(json, item("$.jobId", i, "")), vm.parseJsonBytes32(json, item("$.commitment", i, "")))
            );
            assertEq(uint256(word) % 10_000 < bps[i] ? 1 : 0, audited[i], "audited");
        }
        assertTrue(bps.length == 60, "vectors");
    }

    function test_reach_vectors() public view {
        string memory json = vectors("reach.json");
        uint256[] memory reaches = vm.parseJsonUintArray(json, "$.reach");
        uint256[] memory windows = vm.parseJsonUintArray(json, "$.assignWindow");
        uint256[] memory elapsed = vm.parseJsonUintArray(json, "$.elapsed");
        uint256[] memory bounds = vm.parseJsonUintArray(json, "$.bound");
        IScheduler.JobRequest memory request = aRequest(1);
        for (uint256 i; i < reaches.length; ++i) {
            (request.reach, request.assignWindow) = (reaches[i], uint32(windows[i]));
            assertEq(scheduler.reachOf(request, elapsed[i]), bounds[i], vm.toString(i));
        }
        assertTrue(reaches.length == 100, "vectors");
    }

    function testFuzz_a_shortened_key_keeps_the_order(uint256 a, uint256 b) public pure {
        (a, b) = (a >> 32, b >> 32);
        if (a < b) (a, b) = (b, a);
        assertTrue(DrawLib.short(a) >= DrawLib.short(b) && DrawLib.short(a) < 1 << 32, "order");
        if (b > 0 && a - b > b >> 23) assertTrue(DrawLib.short(a) > DrawLib.short(b), "told apart");
    }

    function testFuzz_a_key_made_long_again_is_the_least_that_is_short_so(uint256 key) public pure {
        key = key >> 32 | 2;
        uint256 long = DrawLib.long(DrawLib.short(key));
        assertTrue(long <= key && key - long <= key >> 24, "near");
        assertEq(DrawLib.short(long), DrawLib.short(key), "the same");
        assertTrue(DrawLib.short(long - 1) < DrawLib.short(key), "the least");
    }

    function testFuzz_a_folded_roster_is_the_sealed_one(IScheduler.SealedSeat[] memory roster) public view {
        IScheduler.Seat[] memory seats = new IScheduler.Seat[](roster.length);
        bytes32[] memory commitments = new bytes32[](roster.length);
        for (uint256 i; i < roster.length; ++i) {
            seats[i] = IScheduler.Seat(roster[i].node, roster[i].price);
            commitments[i] = roster[i].commitment;
        }
        assertEq(harness.rosterHash(seats), keccak256(abi.encode(seats)), "seats");
        assertEq(harness.sealedRosterHash(roster), keccak256(abi.encode(roster)), "sealed seats");
        assertEq(harness.foldedRosterHash(seats, commitments), keccak256(abi.encode(roster)), "folded");
    }

    function testFuzz_score_is_in_bounds(uint16 good, uint16 bad) public pure {
        assertTrue(ReputationLib.score(good, bad) <= 10_000, "bounds");
    }

    function testFuzz_decay_forgets(uint16 good, uint16 bad, uint16 day, uint16 today) public pure {
        (uint256 g, uint256 b) = ReputationLib.decay(good, bad, day, today);
        assertTrue(g <= good && b <= bad, "forgets");
        if (uint256(today) >= uint256(day) + 255) assertTrue(g == 0 && b == 0, "everything");
    }

    function testFuzz_rate_saturates(uint16 good, uint16 bad, uint16 day, uint16 today, uint16 more) public pure {
        IScheduler.Party memory party = IScheduler.Party(0, 0, good, bad, day, 0);
        ReputationLib.rate(party, today, more, more);
        assertTrue(party.good >= more && party.bad >= more, "adds");
        assertEq(party.day, today > day ? today : day, "day");
    }

    function testFuzz_exponential_is_positive(uint256 u) public pure {
        uint256 e = DrawLib.exponential(u);
        assertTrue(e > 0 && e <= 256 << 24, "bounds");
        // Half of u is one more.
        uint256 half = DrawLib.exponential(u >> 1 | 1);
        if (u >> 40 != 0 && u & 2 == 2) assertTrue(half + 2 > e + (1 << 24) && half < e + (1 << 24) + 2, "doubling");
    }

    function testFuzz_key_fits_beside_its_index(uint256 u, uint88 stake, uint16 score, uint16 locality, uint88 price, uint88 maxPrice)
        public
        pure
    {
        uint256 weight = DrawLib.weight(stake, score % 10_001, locality % 10_001, price, maxPrice);
        assertTrue(weight > 0 && weight < 1 << 135, "weight");
        assertTrue(DrawLib.key(bytes32(u), address(1), weight) >> 248 == 0, "key");
    }
}
