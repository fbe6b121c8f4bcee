// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IScheduler} from "../interfaces/IScheduler.sol";
import {StatementLib} from "../libraries/StatementLib.sol";
import {Steps} from "./Steps.sol";

/// @title What a client's verdict must be
/// @dev One for verdicts that end the job at once, which the scheduler takes itself, and for all others.
abstract contract Verdicts is Steps {
    /// @dev On commitments that are closed.
    function _requireVerdict(
        bytes32 jobId,
        IScheduler.Job storage job_,
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        uint16 committed,
        uint16 agreed,
        uint32 shard,
        bytes32 reportDigest,
        bytes calldata signature
    ) internal view {
        bytes32 setDigest = StatementLib.rosterHash(roster);
        _requireStep(job_, IScheduler.State.Committed, setDigest, request.settleWindow);
        _requireJudgement(jobId, request, setDigest, committed, agreed, shard, reportDigest, signature);
    }

    /// @dev On a set that all seats have signed. Returns its digest.
    function _requireDirect(
        bytes32 jobId,
        IScheduler.Job storage job_,
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        bytes[] calldata signatures,
        uint16 committed,
        uint16 agreed,
        uint32 shard,
        bytes32 reportDigest,
        bytes calldata signature
    ) internal view returns (bytes32 setDigest) {
        _requireStep(job_, IScheduler.State.Assigned, StatementLib.seatsHash(roster), request.commitWindow);
        setDigest = _requireSet(jobId, roster, signatures);
        _requireJudgement(jobId, request, setDigest, committed, agreed, shard, reportDigest, signature);
    }

    function _requireJudgement(
        bytes32 jobId,
        IScheduler.JobRequest calldata request,
        bytes32 setDigest,
        uint16 committed,
        uint16 agreed,
        uint32 shard,
        bytes32 reportDigest,
        bytes calldata signature
    ) private view {
        _authorize(request.client, StatementLib.verdict(jobId, setDigest, agreed, shard, reportDigest), signature);
        if (agreed & ~committed != 0) revert IScheduler.BadVerdict(agreed, committed);
        if (shard >= request.shards) revert IScheduler.BadShard(shard);
    }
}
