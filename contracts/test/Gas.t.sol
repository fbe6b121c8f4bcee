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
        dispute(withNonce(3, nonce));
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
