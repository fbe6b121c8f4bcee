// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IScheduler} from "../interfaces/IScheduler.sol";

/// @title Decayed beta reputation (Jøsang and Ismail, The Beta Reputation System, 2002)
/// @dev The same integers as src/protocol/rules/reputation.ts. Counts have 8 fractional bits.
library ReputationLib {
    uint256 internal constant ONE = 256;
    /// Days in which 31/32 a day halves a count: ln 2 / ln(32/31) = 21.8.
    uint256 internal constant HALF_LIFE_DAYS = 22;
    /// Counts are zero from here on: (31/32)^255 * 65535 < 21.
    uint256 internal constant LIMIT_DAYS = 255;
    /// Thousandths of a standard deviation below the mean: the one-sided 95 % bound of a normal distribution.
    uint256 internal constant Z_MILLI = 1645;

    /// @notice Forgets up to `today`, then adds.
    function rate(IScheduler.Party memory party, uint256 today, uint256 good, uint256 bad) internal pure {
        (uint256 g, uint256 b) = decay(party.good, party.bad, party.day, today);
        party.good = uint16(Math.min(g + good, type(uint16).max));
        party.bad = uint16(Math.min(b + bad, type(uint16).max));
        if (today > party.day) party.day = uint16(today);
    }

    /// @notice Counts after losing 1/32 of themselves on each day, halved in one step for every 22 days.
    function decay(uint256 good, uint256 bad, uint256 day, uint256 today) internal pure returns (uint256, uint256) {
        if (today <= day) return (good, bad);
        uint256 elapsed = today - day;
        if (elapsed >= LIMIT_DAYS) return (0, 0);
        good >>= elapsed / HALF_LIFE_DAYS;
        bad >>= elapsed / HALF_LIFE_DAYS;
        for (uint256 i = elapsed % HALF_LIFE_DAYS; i > 0; --i) {
            good -= good >> 5;
            bad -= bad >> 5;
        }
        return (good, bad);
    }

    /// @notice Lower bound of the success rate at `today`, in basis points.
    function scoreAt(IScheduler.Party memory party, uint256 today) internal pure returns (uint256) {
        (uint256 good, uint256 bad) = decay(party.good, party.bad, party.day, today);
        return score(good, bad);
    }

    /// @notice Mean minus 1.645 standard deviations of Beta(1 + good, 1 + bad), in basis points.
    function score(uint256 good, uint256 bad) internal pure returns (uint256) {
        unchecked { // counts are below 2^16: the largest product is below 2^81
            uint256 a = good + ONE;
            uint256 b = bad + ONE;
            uint256 n = a + b;
            uint256 mean = (a * 1e6) / n;
            uint256 margin = (Z_MILLI * Math.sqrt((a * b * ONE * 1e12) / (n * n * (n + ONE)))) / 1000;
            return mean > margin ? (mean - margin) / 100 : 0;
        }
    }
}
