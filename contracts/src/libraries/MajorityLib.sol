// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IScheduler} from "../interfaces/IScheduler.sol";
import {SketchLib} from "./SketchLib.sol";

/// @title The contract's own verdict on opened replicas
library MajorityLib {
    /// @notice Seats of the majority, or zero where there is none.
    /// @dev Strict distances come first: replicas of a program that repeats itself have a majority by those, and whoever read another
    /// input is not in it; content counts more where more than half of the results are identical. Where there is none, the usual ones decide.
    /// Of several shards the farthest honest deviation can be looked for. It grows with the logarithm of their number, and so does the threshold, by
    /// one for each doubling; in the place of strict distances stands content alone, where more than half of the results are identical in every shard.
    /// @param height Of the tree over the shards' sketches: the logarithm of their number, rounded up.
    function majority(IScheduler.Opening[] calldata openings, IScheduler.Policy policy, uint256 height) internal pure returns (uint16) {
        uint256 count = openings.length;
        bool identical = policy == IScheduler.Policy.Trace && _identical(openings);
        uint256[] memory strictly = new uint256[](count);
        uint256[] memory alike = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            // With itself as well: a malformed sketch is like nothing, not even itself.
            for (uint256 j; j <= i; ++j) {
                (uint256 distance, uint256 strict) = _distance(openings[i], openings[j], policy);
                if (distance > SketchLib.THRESHOLD * (1 + height)) continue;
                (alike[i], alike[j]) = (alike[i] | 1 << j, alike[j] | 1 << i);
                if (height == 0 ? strict > SketchLib.THRESHOLD : !identical) continue;
                if (identical && _differ(openings[i], openings[j], height)) continue;
                (strictly[i], strictly[j]) = (strictly[i] | 1 << j, strictly[j] | 1 << i);
            }
        }
        uint256 best = _largest(strictly);
        return _seats(openings, best == 0 ? _largest(alike) : best);
    }

    /// @dev Around every replica in turn grows a clique, by adding each other one, in order, that is alike to all members so far; the
    /// largest counts, the first among equals, and is the majority if it holds more than half of the replicas opened. A clique is
    /// what complete linkage asks for: two honest runs may differ by the threshold, not a chain of runs by many times it.
    function _largest(uint256[] memory alike) private pure returns (uint256 best) {
        uint256 size;
        for (uint256 i; i < alike.length; ++i) {
            if (alike[i] >> i & 1 == 0) continue;
            uint256 clique = 1 << i;
            uint256 members = 1;
            for (uint256 j; j < alike.length; ++j) {
                if (j == i || alike[j] & clique != clique) continue;
                clique |= 1 << j;
                ++members;
            }
            if (members > size) (best, size) = (clique, members);
        }
        if (2 * size <= alike.length) best = 0;
    }

    /// @dev Whether more than half of the results are the same.
    function _identical(IScheduler.Opening[] calldata openings) private pure returns (bool) {
        for (uint256 i; i < openings.length; ++i) {
            uint256 same;
            for (uint256 j; j < openings.length; ++j) {
                if (openings[j].resultDigest == openings[i].resultDigest) ++same;
            }
            if (2 * same > openings.length) return true;
        }
        return false;
    }

    /// @dev Results that differ by more than the order in which a race ended.
    function _differ(IScheduler.Opening calldata a, IScheduler.Opening calldata b, uint256 height) private pure returns (bool) {
        return a.resultDigest != b.resultDigest
            && SketchLib.contentBits(a.sketch, b.sketch) > (height == 0 ? SketchLib.CONTENT_TOLERANCE_IDENTICAL : SketchLib.CONTENT_TOLERANCE_SHARDS);
    }

    function _distance(IScheduler.Opening calldata a, IScheduler.Opening calldata b, IScheduler.Policy policy)
        private
        pure
        returns (uint256 distance, uint256 strict)
    {
        if (policy == IScheduler.Policy.Trace) return SketchLib.distance(a.sketch, b.sketch);
        if (policy == IScheduler.Policy.Exact && a.resultDigest != b.resultDigest) return (type(uint256).max, type(uint256).max);
    }

    /// @dev From positions among the openings to seats on the roster.
    function _seats(IScheduler.Opening[] calldata openings, uint256 clique) private pure returns (uint16 mask) {
        for (uint256 i; i < openings.length; ++i) {
            if (clique >> i & 1 == 1) mask |= uint16(1 << openings[i].index);
        }
    }
}
