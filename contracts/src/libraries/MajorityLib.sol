// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IScheduler} from "../interfaces/IScheduler.sol";
import {SketchLib} from "./SketchLib.sol";

/// @title The contract's own verdict on opened replicas
library MajorityLib {
    /// @notice Seats of the majority, or zero where there is none.
    /// @dev Around every replica in turn grows a clique, by adding each other one, in order, that is alike to all members so far; the
    /// largest counts, the first among equals, and is the majority if it holds more than half of the replicas opened. A clique is
    /// what complete linkage asks for: two honest runs may differ by the threshold, not a chain of runs by many times it.
    function majority(IScheduler.Opening[] calldata openings, IScheduler.Policy policy) internal pure returns (uint16) {
        uint256 count = openings.length;
        uint256[] memory alike = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            for (uint256 j; j < i; ++j) {
                if (!_alike(openings[i], openings[j], policy)) continue;
                alike[i] |= 1 << j;
                alike[j] |= 1 << i;
            }
        }
        uint256 best;
        uint256 size;
        for (uint256 i; i < count; ++i) {
            // Alone it must at least be like itself: a malformed sketch is like nothing.
            if (alike[i] == 0 && !_alike(openings[i], openings[i], policy)) continue;
            uint256 clique = 1 << i;
            uint256 members = 1;
            for (uint256 j; j < count; ++j) {
                if (j == i || alike[j] & clique != clique) continue;
                clique |= 1 << j;
                ++members;
            }
            if (members > size) (best, size) = (clique, members);
        }
        return 2 * size > count ? _seats(openings, best) : 0;
    }

    function _alike(IScheduler.Opening calldata a, IScheduler.Opening calldata b, IScheduler.Policy policy)
        private
        pure
        returns (bool)
    {
        if (policy == IScheduler.Policy.None) return true;
        if (policy == IScheduler.Policy.Exact) return a.resultDigest == b.resultDigest;
        return SketchLib.distance(a.sketch, b.sketch) <= SketchLib.THRESHOLD;
    }

    /// @dev From positions among the openings to seats on the roster.
    function _seats(IScheduler.Opening[] calldata openings, uint256 clique) private pure returns (uint16 mask) {
        for (uint256 i; i < openings.length; ++i) {
            if (clique >> i & 1 == 1) mask |= uint16(1 << openings[i].index);
        }
    }
}
