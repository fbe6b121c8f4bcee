// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IScheduler} from "../interfaces/IScheduler.sol";
import {PossessionLib} from "../libraries/PossessionLib.sol";
import {SeatsLib} from "../libraries/SeatsLib.sol";
import {StatementLib} from "../libraries/StatementLib.sol";
import {Steps} from "./Steps.sol";

/// @title Proofs that a node contradicted itself, or claimed what it did not hold
/// @dev Documentation is in IScheduler. What a proof does is done when the job ends.
abstract contract Proofs is Steps {
    function proveFalseClaim(
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        uint8 index,
        IScheduler.Bid calldata bid,
        bytes[] calldata chunks,
        bytes32[][] calldata proofs
    ) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        bool assigned = job_.state == IScheduler.State.Assigned;
        if (assigned) _requireRoster(job_, StatementLib.seatsHash(roster));
        else _requireJudged(job_, roster);
        uint16 bit = assigned ? SeatsLib.only(index, roster.length) : SeatsLib.onlyOf(index, roster.length, job_.committed);
        if (bid.node != roster[index].node) revert IScheduler.BadRoster();
        if (job_.equivocated & bit != 0 || bid.possession == 0 || request.dataRoot == 0) revert IScheduler.NoFalseClaim();
        bool first = index < request.replicas;
        bytes32 seed = _seed(jobId, first ? _firstSeedBlock(job_) : job_.seedBlock);
        _requireKeys(bid.node, _hashTypedDataV4(StatementLib.bid(jobId, bid, seed, first ? 0 : 1)), bid.signature);
        if (PossessionLib.possession(request.dataRoot, request.dataBytes, seed, bid.node, chunks, proofs) == bid.possession) {
            revert IScheduler.NoFalseClaim();
        }
        job_.equivocated |= bit;
        emit IScheduler.FalseClaimProven(jobId, index);
    }

    function proveEquivocation(
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        uint8 index,
        IScheduler.Pledge calldata first,
        IScheduler.Pledge calldata second
    ) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        _requireJudged(job_, roster);
        uint16 bit = SeatsLib.onlyOf(index, roster.length, job_.committed);
        if (job_.equivocated & bit != 0) revert IScheduler.NoEquivocation();
        (bytes32 own, bytes32 statement) = _pledged(jobId, request, roster, index, first);
        (bytes32 other, bytes32 another) = _pledged(jobId, request, roster, index, second);
        // A set of the first seats, and later one of all seats of a widened job, do not contradict each other.
        bool comparable = first.isSet && second.isSet && first.commitments.length == second.commitments.length;
        if (own == other && (!comparable || statement == another)) revert IScheduler.NoEquivocation();
        job_.equivocated |= bit;
        emit IScheduler.EquivocationProven(jobId, index);
    }

    /// @dev What a seat committed to by a pledge, and the statement, whose signature is checked.
    function _pledged(
        bytes32 jobId,
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        uint8 index,
        IScheduler.Pledge calldata pledge
    ) private view returns (bytes32 own, bytes32 statement) {
        uint256 count = pledge.commitments.length;
        if (pledge.isSet ? count != roster.length && count != request.replicas : count != 1) revert IScheduler.BadRoster();
        address account = roster[index].node;
        if (pledge.isSet) {
            // A newcomer has signed no set of the first seats.
            if (index >= count) revert IScheduler.BadIndex(index);
            own = pledge.commitments[index];
            statement = StatementLib.commitmentSet(jobId, StatementLib.sealedRosterHash(roster[:count], pledge.commitments));
        } else {
            own = pledge.commitments[0];
            statement = StatementLib.commitment(jobId, account, own);
        }
        _requireSigned(account, _hashTypedDataV4(statement), pledge.signature);
    }
}
