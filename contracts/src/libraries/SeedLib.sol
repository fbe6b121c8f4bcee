// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

/// @title Randomness of one past block
library SeedLib {
    /// EIP-2935: block hashes of the last 8,191 blocks; a 32-byte block number in, 32 bytes out.
    address internal constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
    /// FIP-0095: drand digest of a past epoch; a 32-byte epoch in, 32 bytes out.
    address internal constant BEACON = 0xfE00000000000000000000000000000000000006;
    uint256 internal constant FILECOIN = 314;
    uint256 internal constant CALIBRATION = 314159;

    /// @notice Filecoin: the beacon of that epoch. Elsewhere: the block's hash, past 256 blocks from EIP-2935. Zero when it is gone.
    function entropyOf(uint256 blockNumber) internal view returns (bytes32 entropy) {
        if (block.chainid == FILECOIN || block.chainid == CALIBRATION) return _ask(BEACON, blockNumber);
        entropy = blockhash(blockNumber);
        if (entropy == 0) entropy = _ask(HISTORY, blockNumber);
    }

    function _ask(address oracle, uint256 blockNumber) private view returns (bytes32) {
        (bool ok, bytes memory answer) = oracle.staticcall(abi.encode(blockNumber));
        return ok && answer.length == 32 ? abi.decode(answer, (bytes32)) : bytes32(0);
    }
}
