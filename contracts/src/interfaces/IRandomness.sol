// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

/// @title Randomness of past blocks
/// @notice What a draw is seeded with: nobody knows it before the block, everybody can have it after.
interface IRandomness {
    /// @notice The same 32 bytes for a block whenever they are asked for; zero where they are not known, not yet or no longer. Never reverts.
    function entropyOf(uint256 blockNumber) external view returns (bytes32);
}
