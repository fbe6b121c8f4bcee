// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IScheduler} from "../interfaces/IScheduler.sol";
import {MajorityLib} from "../libraries/MajorityLib.sol";
import {SeatsLib} from "../libraries/SeatsLib.sol";
import {StatementLib} from "../libraries/StatementLib.sol";
import {TermsLib} from "../libraries/TermsLib.sol";
import {Steps} from "./Steps.sol";

/// @title Sketches that are opened: when, which, and what they say
abstract contract Openings is Steps {
    using TermsLib for IScheduler.JobRequest;

    /// @dev From when on sketches are opened: the first contest, or the end of the window in which the client was silent.
    function _openingStart(IScheduler.Job storage job_, IScheduler.JobRequest calldata request) internal view returns (uint256 start) {
        start = job_.since;
        if (job_.state == IScheduler.State.Contested) return start;
        _requireState(job_, IScheduler.State.Committed);
        start += request.settleWindow;
        _after(start);
    }

    function _openedShard(bytes32 jobId, IScheduler.Job storage job_, IScheduler.JobRequest calldata request) internal view returns (uint256) {
        if (job_.state == IScheduler.State.Contested) return job_.shard;
        return uint256(keccak256(abi.encode(jobId, job_.rosterHash))) % request.shards;
    }

    function _majority(IScheduler.JobRequest calldata request, IScheduler.Opening[] calldata openings) internal pure returns (uint16) {
        return MajorityLib.majority(openings, IScheduler.Policy(request.policy), request.proofLength());
    }

    /// @dev The openings are those of the seats in `opened`, in order.
    function _requireExactly(
        bytes32 jobId,
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        IScheduler.Opening[] calldata openings,
        uint256 committed,
        uint256 opened,
        uint256 shard
    ) internal pure {
        uint256 seen;
        for (uint256 i; i < openings.length; ++i) {
            uint256 bit = _requireOpens(jobId, request, roster, openings[i], committed, shard);
            if (bit <= seen) revert IScheduler.BadOrder();
            seen |= bit;
        }
        if (seen != opened) revert IScheduler.BadOrder();
    }

    /// @dev Returns the bit of the seat that `opening` opens.
    function _requireOpens(
        bytes32 jobId,
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        IScheduler.Opening calldata opening,
        uint256 committed,
        uint256 shard
    ) internal pure returns (uint16 bit) {
        uint8 index = opening.index;
        bit = SeatsLib.onlyOf(index, roster.length, committed);
        if (
            opening.proof.length != request.proofLength()
                || StatementLib.sealedHash(jobId, roster[index].node, opening, shard) != roster[index].commitment
        ) revert IScheduler.BadOpening(index);
    }
}
