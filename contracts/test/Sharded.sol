// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Widened} from "./Widened.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

/// @dev Jobs of five shards: one commitment covers all sketches, one of them is opened.
abstract contract Sharded is Widened {
    uint32 internal constant SHARDS = 5;

    function ofShards(uint8 replicas) internal view returns (IScheduler.JobRequest memory request) {
        request = aRequest(replicas);
        request.shards = SHARDS;
    }

    /// @dev Tone of a seat's sketch of a shard, where `tone` is the seat's own.
    function toneOf(uint8 seat, uint16 tone, uint256 shard) internal pure virtual returns (uint16);

    function tree(uint8 seat, uint16 tone)
        internal
        pure
        returns (bytes32[8] memory leaves, bytes32[4] memory pairs, bytes32[2] memory fours, bytes32 root)
    {
        for (uint256 i; i < SHARDS; ++i) leaves[i] = keccak256(sketchOf(toneOf(seat, tone, i)));
        for (uint256 i; i < 4; ++i) pairs[i] = keccak256(abi.encodePacked(bytes1(0x01), leaves[2 * i], leaves[2 * i + 1]));
        for (uint256 i; i < 2; ++i) fours[i] = keccak256(abi.encodePacked(bytes1(0x01), pairs[2 * i], pairs[2 * i + 1]));
        root = keccak256(abi.encodePacked(bytes1(0x01), fours[0], fours[1]));
    }

    function commitmentOf(Play memory play, uint8 index, uint16 tone) internal pure override returns (bytes32) {
        IScheduler.Opening memory o = play.openings[index];
        (,,, bytes32 root) = tree(index, tone);
        return keccak256(abi.encode(play.jobId, play.roster[index].node, o.resultDigest, o.evidenceDigest, root, o.salt));
    }

    function shardOpening(uint8 seat, uint16 tone, uint256 shard) internal pure returns (IScheduler.Opening memory opening) {
        (bytes32[8] memory leaves, bytes32[4] memory pairs, bytes32[2] memory fours,) = tree(seat, tone);
        opening = openingOf(seat, tone);
        opening.sketch = sketchOf(toneOf(seat, tone, shard));
        opening.proof = new bytes32[](3);
        (opening.proof[0], opening.proof[1], opening.proof[2]) = (leaves[shard ^ 1], pairs[shard / 2 ^ 1], fours[shard / 4 ^ 1]);
    }

    /// @dev The openings at hand are those of a shard.
    function opensShard(Play memory play, uint16[] memory t, uint256 shard) internal pure {
        for (uint8 i; i < play.openings.length; ++i) play.openings[i] = shardOpening(i, t[i], shard);
    }

    /// @dev The shard that is opened where the client names none.
    function shardByLot(Play memory play) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(play.jobId, keccak256(abi.encode(play.sealed_))))) % SHARDS;
    }

    /// @dev The client's verdict, which names a shard.
    function judged(Play memory play, uint16 agreed, uint32 shard) internal {
        vm.prank(theClient);
        scheduler.settle(play.request, play.sealed_, agreed, shard, "report", "");
    }
}
