// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IScheduler} from "../interfaces/IScheduler.sol";

/// @title Hashes of the protocol's statements
/// @dev EIP-712 struct hashes and the plain hashes they carry; the same bytes as src/protocol/statements/statements.ts.
library StatementLib {
    bytes32 internal constant JOB_REQUEST = keccak256(
        "JobRequest(address client,uint64 nonce,bytes32 specDigest,uint8 replicas,uint8 policy,uint88 maxPrice,uint88 stake,uint16 minScore,uint32 assignWindow,uint32 commitWindow,uint32 settleWindow,uint32 disputeWindow,bytes32 sealKey,bytes32 secretHash,uint256 reach,uint16 bidBlocks,uint32 shards,bytes32 dataRoot,uint64 dataBytes)"
    );
    bytes32 internal constant ASSIGNMENT = keccak256("Assignment(bytes32 jobId,bytes32 bidsHash)");
    bytes32 internal constant BID = keccak256(
        "Bid(bytes32 jobId,address node,uint88 price,uint16 locality,bytes16 possession,bytes32 seed,uint8 round)"
    );
    bytes32 internal constant COMMITMENT = keccak256("Commitment(bytes32 jobId,address node,bytes32 commitment)");
    bytes32 internal constant COMMITMENT_SET = keccak256("CommitmentSet(bytes32 jobId,bytes32 setDigest)");
    bytes32 internal constant VERDICT = keccak256("Verdict(bytes32 jobId,bytes32 setDigest,uint16 agreed,uint32 shard,bytes32 reportDigest)");
    bytes32 internal constant CONTEST = keccak256("Contest(bytes32 jobId,address node)");
    bytes32 internal constant AUDIT = keccak256("Audit(bytes32 jobId,bytes32 secret,uint16 auditBps)");
    bytes32 internal constant SUMMON = keccak256("Summon(bytes32 jobId,address caller)");
    bytes32 internal constant CANCEL = keccak256("Cancel(bytes32 jobId)");

    /// @dev The struct is static, so its calldata is its encoding. Unclean high bits give another hash, and are refused by `submit`,
    /// which reads every field.
    function jobRequest(IScheduler.JobRequest calldata request) internal pure returns (bytes32 hash) {
        bytes32 typeHash = JOB_REQUEST;
        assembly ("memory-safe") {
            let p := mload(0x40)
            mstore(p, typeHash)
            calldatacopy(add(p, 32), request, 608)
            hash := keccak256(p, 640)
        }
    }

    function assignment(bytes32 jobId, IScheduler.Bid[] calldata bids) internal pure returns (bytes32) {
        return keccak256(abi.encode(ASSIGNMENT, jobId, bidsHash(bids)));
    }

    /// @param seed Of the draw; it is part of a bid that claims to hold input.
    function bid(bytes32 jobId, IScheduler.Bid calldata bid_, bytes32 seed, uint8 round) internal pure returns (bytes32) {
        bytes16 possession = bid_.possession;
        if (possession == 0) seed = 0;
        return keccak256(abi.encode(BID, jobId, bid_.node, bid_.price, bid_.locality, possession, seed, round));
    }

    function commitment(bytes32 jobId, address node, bytes32 sealed_) internal pure returns (bytes32) {
        return keccak256(abi.encode(COMMITMENT, jobId, node, sealed_));
    }

    /// @param setDigest Hash of the roster with its commitments.
    function commitmentSet(bytes32 jobId, bytes32 setDigest) internal pure returns (bytes32) {
        return keccak256(abi.encode(COMMITMENT_SET, jobId, setDigest));
    }

    /// @param setDigest Hash of the roster with the commitments that were judged.
    function verdict(bytes32 jobId, bytes32 setDigest, uint16 agreed, uint32 shard, bytes32 reportDigest) internal pure returns (bytes32) {
        return keccak256(abi.encode(VERDICT, jobId, setDigest, agreed, shard, reportDigest));
    }

    function contest(bytes32 jobId, address node) internal pure returns (bytes32) {
        return keccak256(abi.encode(CONTEST, jobId, node));
    }

    function audit(bytes32 jobId, bytes32 secret, uint16 auditBps) internal pure returns (bytes32) {
        return keccak256(abi.encode(AUDIT, jobId, secret, auditBps));
    }

    function summon(bytes32 jobId, address caller) internal pure returns (bytes32) {
        return keccak256(abi.encode(SUMMON, jobId, caller));
    }

    function cancel(bytes32 jobId) internal pure returns (bytes32) {
        return keccak256(abi.encode(CANCEL, jobId));
    }

    /// @notice keccak256(abi.encode((node, price, locality, possession)[])): the bids' terms in order.
    function bidsHash(IScheduler.Bid[] calldata bids) internal pure returns (bytes32) {
        bytes32[] memory words = _array(bids.length, 4);
        for (uint256 i; i < bids.length; ++i) {
            words[4 * i + 2] = bytes32(uint256(uint160(bids[i].node)));
            words[4 * i + 3] = bytes32(uint256(bids[i].price));
            words[4 * i + 4] = bytes32(uint256(bids[i].locality));
            words[4 * i + 5] = bids[i].possession;
        }
        return _hash(words);
    }

    /// @notice keccak256(abi.encode(roster)) of a SealedSeat[] made of seats and their commitments.
    function sealedRosterHash(IScheduler.Seat[] calldata roster, bytes32[] memory commitments) internal pure returns (bytes32) {
        bytes32[] memory words = _array(roster.length, 3);
        for (uint256 i; i < roster.length; ++i) {
            words[3 * i + 2] = bytes32(uint256(uint160(roster[i].node)));
            words[3 * i + 3] = bytes32(uint256(roster[i].price));
            words[3 * i + 4] = commitments[i];
        }
        return _hash(words);
    }

    /// @notice Likewise, with other commitments than those of the roster.
    function sealedRosterHash(IScheduler.SealedSeat[] calldata roster, bytes32[] calldata commitments) internal pure returns (bytes32) {
        bytes32[] memory words = _array(roster.length, 3);
        for (uint256 i; i < roster.length; ++i) {
            words[3 * i + 2] = bytes32(uint256(uint160(roster[i].node)));
            words[3 * i + 3] = bytes32(uint256(roster[i].price));
            words[3 * i + 4] = commitments[i];
        }
        return _hash(words);
    }

    /// @notice keccak256(abi.encode(seats)) of the Seat[] that a roster was drawn as.
    function seatsHash(IScheduler.SealedSeat[] calldata roster) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let p := mload(0x40)
            mstore(p, 32)
            mstore(add(p, 32), roster.length)
            let to := add(p, 64)
            let from := roster.offset
            for { let end := add(to, mul(64, roster.length)) } lt(to, end) { to := add(to, 64) } {
                calldatacopy(to, from, 64)
                from := add(from, 96)
            }
            hash := keccak256(p, sub(to, p))
        }
    }

    /// @notice keccak256(abi.encode(roster)). The array's calldata is its encoding; unclean bits give another hash.
    function rosterHash(IScheduler.Seat[] calldata roster) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let p := mload(0x40)
            mstore(p, 32)
            calldatacopy(add(p, 32), sub(roster.offset, 32), add(32, mul(64, roster.length)))
            hash := keccak256(p, add(64, mul(64, roster.length)))
        }
    }

    /// @notice keccak256(abi.encode(roster)), likewise.
    function rosterHash(IScheduler.SealedSeat[] calldata roster) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let p := mload(0x40)
            mstore(p, 32)
            calldatacopy(add(p, 32), sub(roster.offset, 32), add(32, mul(96, roster.length)))
            hash := keccak256(p, add(64, mul(96, roster.length)))
        }
    }

    /// @notice What a node commits to: binds job and node, says nothing until opened.
    /// @param shard Which one `opening` opens.
    function sealedHash(bytes32 jobId, address node, IScheduler.Opening calldata opening, uint256 shard) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(jobId, node, opening.resultDigest, opening.evidenceDigest, sketchRoot(opening.sketch, opening.proof, shard), opening.salt)
        );
    }

    /// @notice Root of the tree that has `sketch` as leaf number `shard`.
    function sketchRoot(bytes calldata sketch, bytes32[] calldata proof, uint256 shard) internal pure returns (bytes32 root) {
        root = keccak256(sketch);
        for (uint256 i; i < proof.length; ++i) {
            root = shard >> i & 1 == 0
                ? keccak256(abi.encodePacked(bytes1(0x01), root, proof[i]))
                : keccak256(abi.encodePacked(bytes1(0x01), proof[i], root));
        }
    }

    /// @dev The words of abi.encode for an array of `length` static structs of `width` words, head filled in.
    function _array(uint256 length, uint256 width) private pure returns (bytes32[] memory words) {
        words = new bytes32[](2 + width * length);
        words[0] = bytes32(uint256(32));
        words[1] = bytes32(length);
    }

    function _hash(bytes32[] memory words) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(add(words, 32), mul(32, mload(words)))
        }
    }
}
