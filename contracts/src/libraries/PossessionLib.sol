// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IScheduler} from "../interfaces/IScheduler.sol";

/// @title Who holds a job's input
/// @notice The tree over the input's chunks, and what a holder can say about those that a seed picks. As src/protocol/rules/possession.ts.
library PossessionLib {
    uint256 internal constant CHUNK_BYTES = 2048;
    uint256 internal constant PICKS = 8;

    /// @notice What `node` must say of the input under `root`. Reverts where `chunks` are not those that the seed picks, in order.
    function possession(bytes32 root, uint256 size, bytes32 seed, address node, bytes[] calldata chunks, bytes32[][] calldata proofs)
        internal
        pure
        returns (bytes16)
    {
        if (chunks.length != PICKS || proofs.length != PICKS) revert IScheduler.BadChunk(PICKS);
        uint256 count = (size + CHUNK_BYTES - 1) / CHUNK_BYTES;
        uint256 height = count < 2 ? 0 : Math.log2(count - 1) + 1;
        bytes memory picked;
        for (uint256 i; i < PICKS; ++i) {
            uint256 index = uint256(keccak256(abi.encode(seed, i))) % count;
            uint256 length = index + 1 == count ? size - index * CHUNK_BYTES : CHUNK_BYTES;
            if (chunks[i].length != length || proofs[i].length != height || _root(chunks[i], index, proofs[i]) != root) {
                revert IScheduler.BadChunk(i);
            }
            picked = bytes.concat(picked, chunks[i]);
        }
        return bytes16(keccak256(abi.encode(keccak256(picked), node)));
    }

    function _root(bytes calldata chunk, uint256 index, bytes32[] calldata proof) private pure returns (bytes32 hash) {
        hash = sha256(abi.encodePacked(bytes1(0x00), chunk));
        for (uint256 i; i < proof.length; ++i) {
            hash = index >> i & 1 == 0
                ? sha256(abi.encodePacked(bytes1(0x01), hash, proof[i]))
                : sha256(abi.encodePacked(bytes1(0x01), proof[i], hash));
        }
    }
}
