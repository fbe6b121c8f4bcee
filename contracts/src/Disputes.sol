// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IRandomness} from "./interfaces/IRandomness.sol";
import {IScheduler} from "./interfaces/IScheduler.sol";
import {PartyLib} from "./libraries/PartyLib.sol";
import {SeatsLib} from "./libraries/SeatsLib.sol";
import {SketchLib} from "./libraries/SketchLib.sol";
import {StatementLib} from "./libraries/StatementLib.sol";
import {TermsLib} from "./libraries/TermsLib.sol";
import {Ending} from "./parts/Ending.sol";
import {Ledger} from "./parts/Ledger.sol";
import {Openings} from "./parts/Openings.sol";
import {Verdicts} from "./parts/Verdicts.sol";

/// @title The part of the scheduler for parties who disagree or are silent
/// @dev Documentation is in IScheduler. The scheduler lets it run on its own storage: one contract in three pieces of code, because one
/// piece may not be longer than 24,576 bytes. Called at its own address it finds no jobs.
contract Disputes is Verdicts, Openings, Ending {
    using PartyLib for IScheduler.Party;
    using TermsLib for IScheduler.JobRequest;

    constructor(IERC20 coin_, IRandomness randomness, uint256 seedDelay) Ledger(coin_, randomness, seedDelay) {}

    function settle(
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        uint16 agreed,
        uint32 shard,
        bytes32 reportDigest,
        bytes calldata signature
    ) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        (uint16 committed, uint16 equivocated) = (job_.committed, job_.equivocated);
        _requireVerdict(jobId, job_, request, roster, committed, agreed, shard, reportDigest, signature);

        (job_.agreed, job_.shard) = (agreed, shard);
        emit IScheduler.VerdictPosted(jobId, agreed, shard, reportDigest);
        if (agreed | equivocated != committed) _enter(job_, IScheduler.State.Contestable);
        else _finish(jobId, job_, request, roster, Ruling(committed, agreed, 0, 0, Fault.None));
    }

    function settleDirect(
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        bytes[] calldata signatures,
        uint16 agreed,
        uint32 shard,
        bytes32 reportDigest,
        bytes calldata signature
    ) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        uint16 committed = SeatsLib.all(roster.length);
        bytes32 setDigest = _requireDirect(jobId, job_, request, roster, signatures, committed, agreed, shard, reportDigest, signature);
        _requireFirst(jobId, request, roster);

        if (agreed == committed) {
            _forgetPosted(jobId, job_, roster.length);
            (job_.committed, job_.agreed) = (committed, agreed);
            _finish(jobId, job_, request, roster, Ruling(committed, agreed, 0, 0, Fault.None));
        } else {
            _post(jobId, job_, roster, setDigest);
            (job_.agreed, job_.shard) = (agreed, shard);
            emit IScheduler.VerdictPosted(jobId, agreed, shard, reportDigest);
            _enter(job_, IScheduler.State.Contestable);
        }
    }

    function commitSet(
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        bytes32[] calldata posted,
        bytes[] calldata signatures
    ) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        if (job_.state == IScheduler.State.Assigned) {
            _requireStep(job_, IScheduler.State.Assigned, StatementLib.seatsHash(roster), request.commitWindow);
            _requireFirst(jobId, request, roster);
        } else {
            _requireState(job_, IScheduler.State.Committed);
            if (posted.length != roster.length) revert IScheduler.BadRoster();
            // The only seat would need nobody's signature but its own, and could, once the secret is shown, escape an audit.
            if (roster.length == 1) revert IScheduler.WrongState(IScheduler.State.Committed);
            for (uint256 i; roster.length != request.replicas && i < request.replicas; ++i) {
                if (posted[i] != roster[i].commitment) revert IScheduler.BadRoster();
            }
            _requireRoster(job_, StatementLib.sealedRosterHash(roster, posted));
            // The seats of the absent are closed, and stay so.
            if (job_.committed != SeatsLib.all(roster.length)) revert IScheduler.WrongState(IScheduler.State.Committed);
            _notAfter(job_.since + request.settleWindow);
        }
        bytes32 setDigest = _requireSet(jobId, roster, signatures);
        if (job_.state == IScheduler.State.Assigned) _enter(job_, IScheduler.State.Committed);
        _post(jobId, job_, roster, setDigest);
    }

    function summon(
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        IScheduler.Opening[] calldata openings,
        address caller,
        bytes calldata signature
    ) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        uint256 start = _openingStart(job_, request);
        _requireRoster(job_, StatementLib.rosterHash(roster));
        _notAfter(start + request.disputeWindow + request.assignWindow);
        (uint16 committed, uint16 opened) = (job_.committed, job_.opened);
        if (opened != committed) revert IScheduler.NotWidenable();
        _requireExactly(jobId, request, roster, openings, committed, opened, _openedShard(jobId, job_, request));
        if (_majority(request, openings) & ~job_.equivocated != 0) revert IScheduler.MajorityFound();
        _authorize(caller, StatementLib.summon(jobId, caller), signature);
        uint256 who = CLIENT;
        if (caller != request.client) {
            uint256 seat;
            while (seat < roster.length && roster[seat].node != caller) ++seat;
            if (seat == roster.length) revert IScheduler.BadRoster();
            who = FIRST_SEAT + seat;
        }
        _widen(jobId, job_, request, roster, who, caller);
    }

    function contest(
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        IScheduler.Opening calldata opening,
        bytes calldata signature
    ) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        if (job_.state != IScheduler.State.Contested) _requireState(job_, IScheduler.State.Contestable);
        _requireRoster(job_, StatementLib.rosterHash(roster));
        _notAfter(job_.since + request.disputeWindow);
        uint16 bit = _requireOpens(jobId, request, roster, opening, job_.committed, job_.shard);
        if ((job_.agreed | job_.contested) & bit != 0) revert IScheduler.NotRejected(opening.index);
        address account = roster[opening.index].node;
        _authorize(account, StatementLib.contest(jobId, account), signature);

        _nodes[account].lock(request.maxPrice);
        uint16 opened = job_.opened;
        job_.contested |= bit;
        job_.opened = opened | bit;
        if (job_.state == IScheduler.State.Contestable) _enter(job_, IScheduler.State.Contested);
        emit IScheduler.VerdictContested(jobId, opening.index);
        if (opened & bit == 0) emit IScheduler.SketchOpened(jobId, opening);
    }

    function open(IScheduler.JobRequest calldata request, IScheduler.SealedSeat[] calldata roster, IScheduler.Opening[] calldata openings) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        uint256 start = _openingStart(job_, request);
        _requireRoster(job_, StatementLib.rosterHash(roster));
        _notAfter(start + request.disputeWindow);
        uint256 shard = _openedShard(jobId, job_, request);

        uint16 committed = job_.committed;
        uint16 opened = job_.opened;
        for (uint256 i; i < openings.length; ++i) {
            uint16 bit = _requireOpens(jobId, request, roster, openings[i], committed, shard);
            // Two carriers may cross.
            if (opened & bit != 0) continue;
            opened |= bit;
            emit IScheduler.SketchOpened(jobId, openings[i]);
        }
        job_.opened = opened;
    }

    function resolve(IScheduler.JobRequest calldata request, IScheduler.SealedSeat[] calldata roster, IScheduler.Opening[] calldata openings) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        IScheduler.State state = job_.state;
        uint256 deadline = state == IScheduler.State.Contestable ? job_.since : _openingStart(job_, request);
        deadline += request.disputeWindow;
        _requireRoster(job_, StatementLib.rosterHash(roster));
        (uint16 committed, uint16 opened, uint256 agreed) = (job_.committed, job_.opened, job_.agreed);
        if (opened != committed) _after(deadline);

        Ruling memory ruling;
        ruling.committed = committed;
        if (state == IScheduler.State.Contestable) {
            if (openings.length != 0) revert IScheduler.BadOrder();
            ruling.agreed = agreed;
        } else {
            _requireExactly(jobId, request, roster, openings, committed, opened, _openedShard(jobId, job_, request));
            ruling.agreed = _majority(request, openings) & ~job_.equivocated;
            ruling.undecided = ruling.agreed == 0 ? opened : 0;
            ruling.absent = committed & ~opened;
            if (state == IScheduler.State.Committed) ruling.fault = Fault.Silent;
            else if (ruling.agreed & ~agreed != 0) ruling.fault = Fault.Lost;
            // Whoever wants a panel has time to call for it.
            if (ruling.agreed == 0 && opened == committed && _widenable(job_, request)) _after(deadline + request.assignWindow);
        }
        _finish(jobId, job_, request, roster, ruling);
    }

    function sketchDistance(bytes calldata a, bytes calldata b) external pure returns (uint256 distance, uint256 strict) {
        return SketchLib.distance(a, b);
    }
}
