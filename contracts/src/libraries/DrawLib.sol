// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Weighted draw without replacement
/// @dev An exponential race (Efraimidis and Spirakis, Weighted random sampling with a reservoir, 2006): a bidder's key is
/// -log2(u) / weight with u = keccak256(seed, node), and the smallest keys win. The same integers as src/protocol/rules/draw.ts.
library DrawLib {
    uint256 internal constant FRACTION_BITS = 24;
    uint256 internal constant BPS = 10_000;
    /// Added to the score, so that a newcomer of score zero can still be drawn.
    uint256 internal constant SCORE_FLOOR = 500;
    /// A full local copy of the input multiplies the weight by 1 + this.
    uint256 internal constant LOCALITY_BONUS = 3;
    /// A low price raises the weight at most by this factor.
    uint256 internal constant MAX_PRICE_ADVANTAGE = 4;

    uint256 private constant C0 = 53226052595812135834;
    uint256 private constant C1 = 17741925642123152855;
    uint256 private constant C2 = 10651756013425972094;
    uint256 private constant C3 = 7442374756918859598;
    uint256 private constant C4 = 7493636929438903165;

    /// @notice Lets bidder number `index` run: keeps `best` the smallest keys so far, ascending, each with its index in the low byte (among
    /// equal keys the earlier bidder stays ahead). `entered` counts those before it.
    function enter(uint256[] memory best, uint256 entered, uint256 key_, uint256 index) internal pure {
        uint256 entry = key_ << 8 | index;
        uint256 place = best.length;
        if (entered < place) place = entered;
        else if (entry >= best[--place]) return;
        for (; place > 0 && best[place - 1] > entry; --place) {
            best[place] = best[place - 1];
        }
        best[place] = entry;
    }

    /// @notice Key of a bidder in the race; the smallest win. Fits 224 bits.
    function key(bytes32 seed, address node, uint256 weight_) internal pure returns (uint256) {
        return (exponential(uint256(keccak256(abi.encode(seed, node)))) << 192) / weight_;
    }

    /// @notice stake * (score + 5 %) * (1 + 3 * locality) * min(4, maxPrice / price) in fixed point; below 2^135, never zero.
    function weight(uint256 stake, uint256 score, uint256 locality, uint256 price, uint256 maxPrice)
        internal
        pure
        returns (uint256)
    {
        unchecked { // stake and maxPrice are below 2^88, score and locality at most BPS
            uint256 advantage = MAX_PRICE_ADVANTAGE * BPS;
            if (price != 0) advantage = Math.min(advantage, (maxPrice * BPS) / price);
            return stake * (score + SCORE_FLOOR) * (BPS + LOCALITY_BONUS * locality) * advantage + 1;
        }
    }

    /// @notice -log2(u / 2^256) with 24 fractional bits, at least one unit.
    function exponential(uint256 u) internal pure returns (uint256) {
        unchecked {
            uint256 logarithm = log2(u | 1);
            return logarithm < 256 << FRACTION_BITS ? (256 << FRACTION_BITS) - logarithm : 1;
        }
    }

    /// @notice log2(x) with 24 fractional bits, off by less than one unit.
    /// @dev The mantissa m in [1, 2) has log2(m) = y (C0 + C1 z + C2 z^2 + C3 z^3 + C4 z^4), y = (m - 1) / (m + 1), z = y^2: the series of
    /// the inverse hyperbolic tangent, its coefficients fitted to five terms at Chebyshev's points. Coefficients, y and z have 64
    /// fractional bits, the mantissa 127.
    function log2(uint256 x) internal pure returns (uint256) {
        unchecked {
            uint256 exponent = Math.log2(x);
            uint256 mantissa = exponent >= 127 ? x >> (exponent - 127) : x << (127 - exponent);
            uint256 y = ((mantissa - (1 << 127)) << 64) / (mantissa + (1 << 127));
            uint256 z = (y * y) >> 64;
            uint256 p = C3 + ((C4 * z) >> 64);
            p = C2 + ((p * z) >> 64);
            p = C1 + ((p * z) >> 64);
            p = C0 + ((p * z) >> 64);
            return (exponent << FRACTION_BITS) + ((y * p) >> (128 - FRACTION_BITS));
        }
    }

    /// @notice A key in 32 bits, smaller for smaller ones: its exponent, and 24 bits of its mantissa.
    function short(uint256 key_) internal pure returns (uint256) {
        unchecked {
            uint256 exponent = Math.log2(key_);
            uint256 mantissa = exponent >= 24 ? key_ >> (exponent - 24) : key_ << (24 - exponent);
            return exponent << 24 | (mantissa & 0xffffff);
        }
    }

    /// @notice The smallest key that is shortened to this.
    function long(uint256 short_) internal pure returns (uint256) {
        unchecked {
            uint256 exponent = short_ >> 24;
            uint256 mantissa = 1 << 24 | (short_ & 0xffffff);
            return exponent >= 24 ? mantissa << (exponent - 24) : mantissa >> (24 - exponent);
        }
    }
}
