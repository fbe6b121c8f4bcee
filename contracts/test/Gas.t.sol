// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

/// @dev Gas of whole messages as a receipt shows it: intrinsic cost, calldata and refunds included (isolation makes every call a
/// transaction of its own), between parties that have been here before. Held within 1 % to contracts/gas.json; with
/// GADUS_WRITE_GAS=true in the environment they are written there.
/// forge-config: default.isolate = true
contract GasTest is Life {
    string internal constant SNAPSHOT = "contracts/gas.json";

    string[] internal names;
    uint256[] internal used;

    function test_gas_is_as_recorded_and_within_the_goals() public {
        uint8[3] memory sizes = [uint8(1), 3, 7];
        uint64 nonce = 100;
        for (uint256 i; i < 3; ++i) {
            assigned(submitted(withNonce(sizes[i], nonce++))); // so that every party has a slot to reuse
            life(withNonce(sizes[i], nonce++), true);
            life(withNonce(sizes[i], nonce++), true);
            life(withNonce(sizes[i], nonce++), false);
            direct(withNonce(sizes[i], nonce++));
        }
        dispute(withNonce(3, nonce++));
        rejected(withNonce(3, nonce++));
        for (uint8 count = 1; count <= 3; count += 2) posted(withNonce(3, nonce++), count);
        audited(withNonce(1, nonce++));
        panel(withNonce(3, nonce++));
        falseClaim(withNonce(1, nonce++));
        assertAtMost("k=1 direct: whole life", 230_000);
        assertAtMost("k=3 direct: whole life", 300_000);
        assertAtMost("k=7 direct: whole life", 300_000 + 4 * 35_000);
        assertAtMost("k=3 batched: whole life", 360_000);
        assertAtMost("k=3 single: whole life", 550_000);
        assertAtMost("k=1 single: whole life", 300_000);
        if (vm.envOr("GADUS_WRITE_GAS", false)) vm.writeFile(SNAPSHOT, json());
        string memory recorded = vm.readFile(SNAPSHOT);
        for (uint256 i; i < names.length; ++i) {
            uint256 before = vm.parseJsonUint(recorded, string.concat("$['", names[i], "']"));
            uint256 off = before > used[i] ? before - used[i] : used[i] - before;
            assertTrue(off * 100 <= before, string.concat(names[i], ": ", vm.toString(before), " recorded, ", vm.toString(used[i])));
        }
    }

    function withNonce(uint8 replicas, uint64 nonce) internal view returns (IScheduler.JobRequest memory request) {
        (request = aRequest(replicas)).nonce = nonce;
    }

    /// @dev The happy path, one bid more than replicas; "batched": the client carries all commitments at once.
    function life(IScheduler.JobRequest memory request, bool batched) internal {
        string memory prefix = string.concat("k=", vm.toString(request.replicas), batched ? " batched: " : " single: ");
        uint256 total;
        Play memory play = submitted(request);
        total += note(prefix, "submit");
        assigned(play);
        total += noteAssign(prefix);
        IScheduler.SignedCommitment[] memory batch = batchOf(play, all(request.replicas), new uint16[](request.replicas));
        if (batched) {
            vm.prank(theClient);
            scheduler.commit(play.request, play.roster, batch);
            total += note(prefix, "commit all");
        } else {
            for (uint256 i; i < request.replicas; ++i) {
                IScheduler.SignedCommitment[] memory one = new IScheduler.SignedCommitment[](1);
                one[0] = batch[i];
                one[0].signature = "";
                vm.prank(play.roster[i].node);
                scheduler.commit(play.request, play.roster, one);
                total += note(prefix, i == 0 && request.replicas > 1 ? "commit first" : i + 1 == request.replicas ? "commit last" : "commit");
            }
        }
        settled(play, all(request.replicas));
        total += note(prefix, "settle");
        record(string.concat(prefix, "whole life"), total);
    }

    /// @dev The happy path in three messages.
    function direct(IScheduler.JobRequest memory request) internal {
        string memory prefix = string.concat("k=", vm.toString(request.replicas), " direct: ");
        uint256 total;
        Play memory play = submitted(request);
        total += note(prefix, "submit");
        assigned(play);
        total += noteAssign(prefix);
        batchOf(play, all(request.replicas), new uint16[](request.replicas));
        settledDirectly(play, all(request.replicas));
        total += note(prefix, "settle");
        record(string.concat(prefix, "whole life"), total);
    }

    /// @dev One of three rejected, who contests and is right.
    function dispute(IScheduler.JobRequest memory request) internal {
        Play memory play = submitted(request);
        assigned(play);
        committed(play, 7, new uint16[](3));
        settled(play, 3);
        note("dispute: ", "settle");
        contested(play, 2);
        note("dispute: ", "contest");
        opened(play, 3);
        note("dispute: ", "open two");
        resolved(play, 7);
        note("dispute: ", "resolve three");
        scheduler.sketchDistance(sketchOf(0), sketchOf(1));
        note("sketch pair", "");
    }

    /* WHAT FEW JOBS NEED */

    /// @dev Commitments and a verdict that rejects one of three, in one message.
    function rejected(IScheduler.JobRequest memory request) internal {
        Play memory play = submitted(request);
        assigned(play);
        batchOf(play, 7, new uint16[](3));
        settledDirectly(play, 3);
        note("k=3 direct: ", "settle, one rejected");
    }

    /// @dev Bids that nodes post at a job of three, in one message.
    function posted(IScheduler.JobRequest memory request, uint8 count) internal {
        request.bidBlocks = 5;
        Play memory play = submitted(request);
        vm.roll(vm.getBlockNumber() + 2);
        IScheduler.Bid[] memory bids = someBids(play.jobId, count);
        vm.prank(CARRIER);
        scheduler.postBids(request, new IScheduler.Seat[](0), bids);
        note("bids: ", count == 1 ? "post one" : "post three");
        vm.roll(vm.getBlockNumber() + 5);
        assigned(play, someBids(play.jobId, 4));
        record(count == 1 ? "bids: assign, one posted" : "bids: assign, three posted", assignGas);
    }

    /// @dev One seat held against two more.
    function audited(IScheduler.JobRequest memory request) internal {
        Play memory play = submitted(request);
        assigned(play, highBids(play.jobId, 0, 1, 0));
        committed(play, 1, new uint16[](1));
        vm.prank(theClient);
        scheduler.audit(request, play.sealed_, SECRET, AUDIT_BPS, "");
        note("audit: ", "audit");
        drawnMore(play);
        note("audit: ", "draw two more");
    }

    /// @dev Three seats that are all unlike, and four more.
    function panel(IScheduler.JobRequest memory request) internal {
        Play memory play = submitted(request);
        assigned(play, highBids(play.jobId, 0, 3, 0));
        uint16[] memory tones = new uint16[](3);
        (tones[1], tones[2]) = (15_000, 30_000);
        committed(play, 7, tones);
        skip(request.settleWindow + 1);
        opened(play, 7);
        IScheduler.Opening[] memory openings = openingsOf(play, 7);
        vm.prank(theClient);
        scheduler.summon(request, play.sealed_, openings, theClient, "");
        note("panel: ", "summon");
        drawnMore(play);
        note("panel: ", "draw four more");
    }

    function drawnMore(Play memory play) internal {
        vm.roll(vm.getBlockNumber() + 10);
        skip(play.request.assignWindow / 4 + 1);
        IScheduler.Bid[] memory bids = highBids(play.jobId, play.roster.length, play.roster.length + 1, 1);
        vm.prank(CARRIER);
        scheduler.drawMore(play.request, play.roster, bids);
    }

    function highBids(bytes32 jobId, uint256 from, uint256 count, uint8 round) internal returns (IScheduler.Bid[] memory bids) {
        if (round == 0) vm.roll(vm.getBlockNumber() + 2);
        bids = new IScheduler.Bid[](count);
        for (uint256 i; i < count; ++i) bids[i] = aClaim(keys[from + i], jobId, PRICE, 0, 0, 0, round);
    }

    /// @dev A claim to hold 16 GiB, all chunks of which are the same: so every proof is, too.
    function falseClaim(IScheduler.JobRequest memory request) internal {
        bytes[] memory chunks = new bytes[](8);
        bytes32[][] memory proofs = new bytes32[][](8);
        (chunks[0], proofs[0], request.dataRoot) = uniformInput(23);
        request.dataBytes = 2048 << 23;
        for (uint256 i = 1; i < 8; ++i) (chunks[i], proofs[i]) = (chunks[0], proofs[0]);
        Play memory play = submitted(request);
        vm.roll(vm.getBlockNumber() + 2);
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](1);
        bids[0] = aClaim(keys[0], play.jobId, PRICE, 10_000, "made up", scheduler.seedOf(play.jobId), 0);
        assigned(play, bids);
        committed(play, 1, new uint16[](1));
        vm.prank(CARRIER);
        scheduler.proveFalseClaim(request, play.sealed_, 0, bids[0], chunks, proofs);
        note("false claim: ", "prove, 16 GiB");
    }

    function uniformInput(uint256 height) internal pure returns (bytes memory chunk, bytes32[] memory proof, bytes32 hash) {
        chunk = new bytes(2048);
        for (uint256 i; i < 2048; ++i) chunk[i] = 0xd5;
        hash = sha256(abi.encodePacked(bytes1(0x00), chunk));
        proof = new bytes32[](height);
        for (uint256 i; i < height; ++i) {
            proof[i] = hash;
            hash = sha256(abi.encodePacked(bytes1(0x01), hash, hash));
        }
    }

    uint256 internal assignGas;

    function assigned(Play memory play, IScheduler.Bid[] memory bids) internal override {
        vm.recordLogs();
        vm.prank(theClient);
        scheduler.assign(play.request, bids, "");
        assignGas = vm.lastCallGas().gasTotalUsed;
        play.roster = lastRoster();
    }

    function noteAssign(string memory prefix) internal returns (uint256) {
        record(string.concat(prefix, "assign"), assignGas);
        return assignGas;
    }

    function note(string memory prefix, string memory step) internal returns (uint256 gas) {
        gas = vm.lastCallGas().gasTotalUsed;
        record(string.concat(prefix, step), gas);
    }

    /// @dev The last of a name counts: what came before it warmed up the parties.
    function record(string memory name, uint256 gas) internal {
        for (uint256 i; i < names.length; ++i) {
            if (keccak256(bytes(names[i])) != keccak256(bytes(name))) continue;
            used[i] = gas;
            return;
        }
        names.push(name);
        used.push(gas);
    }

    function assertAtMost(string memory name, uint256 goal) internal view {
        for (uint256 i; i < names.length; ++i) {
            if (keccak256(bytes(names[i])) == keccak256(bytes(name))) return assertTrue(used[i] <= goal, string.concat(name, ": ", vm.toString(used[i])));
        }
        revert("no such measurement");
    }

    function json() internal view returns (string memory text) {
        text = "{\n";
        for (uint256 i; i < names.length; ++i) {
            text = string.concat(text, '  "', names[i], '": ', vm.toString(used[i]), i + 1 < names.length ? ",\n" : "\n");
        }
        text = string.concat(text, "}\n");
    }
}
