// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IRandomness} from "../interfaces/IRandomness.sol";

/// @title The hash of a block
/// @notice For chains whose block producers do not play: one who does can withhold a block, at the price of its reward. From the opcode
/// for 256 blocks, from EIP-2935 for 8,191 where the chain has it.
contract BlockHashRandomness is IRandomness {
    /// EIP-2935: block hashes of the last 8,191 blocks; a 32-byte block number in, 32 bytes out, reverts for any other block.
    address internal constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;

    function entropyOf(uint256 blockNumber) external view returns (bytes32 entropy) {
        entropy = blockhash(blockNumber);
        if (entropy != 0 || blockNumber >= block.number) return entropy;
        (bool ok, bytes memory answer) = HISTORY.staticcall(abi.encode(blockNumber));
        if (ok && answer.length == 32) entropy = abi.decode(answer, (bytes32));
    }
}
