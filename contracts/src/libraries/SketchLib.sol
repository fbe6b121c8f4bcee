// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

/// @title Distance of two execution sketches
/// @notice A sketch is one version byte, FEATURES big-endian uint16 features, 0xFFFF marking an absent one, and 64 bits of content. The
/// features form BLOCKS consecutive blocks; the last feature of a curve is its slack. A block's distance is
/// 1000 * (sum |a - b| - n * slack) / (n * tolerance), rounded down, over the n features that both sketches have, slack being both
/// sides' together and at most MAX_SLACK tolerances; the sketches' distance is that of their worst block. The strict distance takes the strict
/// tolerances instead, and 1000 * (bits of content that differ) / CONTENT_TOLERANCE beside the blocks. Sketches of another length or
/// version, without a common feature, or where more than a quarter as many features stand alone as are shared, are at distance
/// type(uint256).max.
/// @dev The same integers as src/evidence/fingerprint/sketch.ts; test/conformance/vectors/sketch.json holds both to it.
library SketchLib {
    /// @notice Largest distance at which two replicas of a job of one shard agree.
    uint256 internal constant THRESHOLD = 1000;

    /// @notice Most bits of content that may differ where the results of a majority are identical.
    uint256 internal constant CONTENT_TOLERANCE_IDENTICAL = 3;
    /// @notice The same in one of several shards.
    uint256 internal constant CONTENT_TOLERANCE_SHARDS = 16;

    uint256 private constant VERSION = 2;
    uint256 private constant FEATURES = 121;
    uint256 private constant BLOCKS = 16;
    uint256 private constant LONELY_DIVISOR = 4;

    /// @dev In tolerances: whoever samples so rarely that his curve could be anything shall not agree with everybody.
    uint256 private constant MAX_SLACK = 4;
    /// @dev Bits of 64.
    uint256 private constant CONTENT_TOLERANCE = 8;

    /// @dev One byte a block, block 0 in the lowest: how many features it has.
    uint256 private constant COUNTS = 0x10101010101010010101010101010101;
    /// @dev One bit a block: whether it is a curve.
    uint256 private constant CURVES = 0x3e00;
    /// @dev Two bytes a block, block 0 in the lowest: its tolerance in sketch steps.
    uint256 private constant TOLERANCES = 0x8303330f5c03d703d703d7009a00330014059a009a04000052000a00cd01cd;
    /// @dev Likewise, for replicas of which a majority does exactly the same; never above the tolerance.
    uint256 private constant STRICT = 0x8303330f5c03d703d703d7009a00030014059a009a04000052000500cd01cd;

    /// @dev Eight lanes of 32 bits, each wide enough for one feature and a carry.
    uint256 private constant ONE = 0x0000000100000001000000010000000100000001000000010000000100000001;
    uint256 private constant FEATURE = 0xffff * ONE;
    uint256 private constant CARRY = 0x10000 * ONE;
    /// @dev 2**32 is 1 modulo this, so `x % LANE_SUM` adds up the lanes of x.
    uint256 private constant LANE_SUM = 0xffffffff;

    /// @notice Distances in thousandths of the threshold; 0 for equal sketches.
    function distance(bytes calldata a, bytes calldata b) internal pure returns (uint256 worst, uint256 strict) {
        unchecked {
            uint256 length = 9 + 2 * FEATURES;
            if (a.length != length || b.length != length || uint8(a[0]) != VERSION || uint8(b[0]) != VERSION) {
                return (type(uint256).max, type(uint256).max);
            }

            uint256 shared;
            uint256 lonely;
            uint256 offset = 1;
            strict = 1000 * contentBits(a, b) / CONTENT_TOLERANCE;
            for (uint256 i = 0; i < BLOCKS; ++i) {
                uint256 n = (COUNTS >> (8 * i)) & 0xff;
                uint256 x = _block(a, offset, n);
                uint256 y = _block(b, offset, n);
                offset += 2 * n;
                uint256 slack;
                if (CURVES >> i & 1 == 1) {
                    slack = _slack(x) + _slack(y);
                    (x, y, n) = (x >> 16, y >> 16, n - 1);
                }
                (uint256 sum, uint256 absent, uint256 alone) = _compare(x & FEATURE, y & FEATURE);
                (uint256 sum2, uint256 absent2, uint256 alone2) = _compare((x >> 16) & FEATURE, (y >> 16) & FEATURE);
                n -= absent + absent2;
                lonely += alone + alone2;
                if (n != 0) {
                    shared += n;
                    uint256 blockDistance = _excess(sum + sum2, n, slack, (TOLERANCES >> (16 * i)) & 0xffff);
                    if (blockDistance > worst) worst = blockDistance;
                    blockDistance = _excess(sum + sum2, n, slack, (STRICT >> (16 * i)) & 0xffff);
                    if (blockDistance > strict) strict = blockDistance;
                }
            }
            if (shared == 0 || LONELY_DIVISOR * lonely > shared) return (type(uint256).max, type(uint256).max);
        }
    }

    /// @notice How many bits of content differ, of two well-formed sketches.
    function contentBits(bytes calldata a, bytes calldata b) internal pure returns (uint256) {
        return _ones(_block(a, 1 + 2 * FEATURES, 4) ^ _block(b, 1 + 2 * FEATURES, 4));
    }

    /// @dev How far a block is beyond its slack, in thousandths of its tolerance.
    function _excess(uint256 sum, uint256 n, uint256 slack, uint256 tolerance) private pure returns (uint256) {
        unchecked {
            slack = n * (slack > MAX_SLACK * tolerance ? MAX_SLACK * tolerance : slack);
            return sum > slack ? 1000 * (sum - slack) / (n * tolerance) : 0;
        }
    }

    /// @dev The lowest feature, nothing where it is absent.
    function _slack(uint256 features) private pure returns (uint256 slack) {
        slack = features & 0xffff;
        if (slack == 0xffff) slack = 0;
    }

    /// @dev How many of the low 64 bits are set.
    function _ones(uint256 word) private pure returns (uint256) {
        unchecked {
            word = (word & 0x5555555555555555) + ((word >> 1) & 0x5555555555555555);
            word = (word & 0x3333333333333333) + ((word >> 2) & 0x3333333333333333);
            word = (word & 0x0f0f0f0f0f0f0f0f) + ((word >> 4) & 0x0f0f0f0f0f0f0f0f);
            return word % 0xff; // 2**8 is 1 modulo this: the sum of the bytes
        }
    }

    /// @dev The n <= 16 features from byte `from` on, right-aligned; what follows the sketch in calldata is shifted away.
    function _block(bytes calldata sketch, uint256 from, uint256 n) private pure returns (uint256 features) {
        assembly {
            features := shr(sub(256, shl(4, n)), calldataload(add(sketch.offset, from)))
        }
    }

    /// @dev Compares eight features at once, one a lane: the sum of |x - y| over those both have, how many at least one side
    /// lacks, and how many exactly one side lacks. A lane that is zero on both sides adds nothing.
    function _compare(uint256 x, uint256 y) private pure returns (uint256 sum, uint256 absent, uint256 alone) {
        unchecked {
            // Adding one carries out of a feature exactly where it is 0xFFFF, absent.
            uint256 xAbsent = ((x + ONE) >> 16) & ONE;
            uint256 yAbsent = ((y + ONE) >> 16) & ONE;
            // The carry survives the subtraction where x >= y; elsewhere the lane holds 2**16 - |x - y|, to be negated.
            uint256 difference = (x | CARRY) - y;
            uint256 negative = ~(difference >> 16) & ONE;
            difference = ((difference & FEATURE) ^ (negative * 0xffff)) + negative;
            uint256 skipped = xAbsent | yAbsent;
            sum = (difference & ~(skipped * 0xffff)) % LANE_SUM;
            absent = skipped % LANE_SUM;
            alone = (xAbsent ^ yAbsent) % LANE_SUM;
        }
    }
}
