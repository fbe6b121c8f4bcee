// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IScheduler} from "../src/interfaces/IScheduler.sol";
import {MajorityLib} from "../src/libraries/MajorityLib.sol";
import {PossessionLib} from "../src/libraries/PossessionLib.sol";
import {SketchLib} from "../src/libraries/SketchLib.sol";
import {StatementLib} from "../src/libraries/StatementLib.sol";

/// @dev The libraries that take calldata, callable. Compiled as they are deployed.
contract LibraryHarness {
    function distance(bytes calldata a, bytes calldata b) external pure returns (uint256 worst, uint256 strict) {
        return SketchLib.distance(a, b);
    }

    function majority(IScheduler.Opening[] calldata openings, IScheduler.Policy policy) external pure returns (uint16) {
        return MajorityLib.majority(openings, policy);
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
