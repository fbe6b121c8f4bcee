// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IScheduler} from "./interfaces/IScheduler.sol";
import {MajorityLib} from "./libraries/MajorityLib.sol";
import {PartyLib} from "./libraries/PartyLib.sol";
import {SketchLib} from "./libraries/SketchLib.sol";
import {StatementLib} from "./libraries/StatementLib.sol";
import {SchedulerBase} from "./SchedulerBase.sol";

/// @title The half of the scheduler for parties who disagree or are silent
/// @dev Documentation is in IScheduler. The scheduler creates it, and lets it run on the scheduler's own storage: one contract in two
/// pieces of code, because one piece may not be longer than 24,576 bytes. Called at its own address it finds no jobs.
contract Disputes is SchedulerBase {
    using PartyLib for IScheduler.Party;

    constructor(IERC20 coin_) SchedulerBase(coin_) {}

    function commitSet(
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        bytes32[] calldata posted,
        bytes[] calldata signatures
    ) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        if (job_.state == IScheduler.State.Assigned) {
            _requireRoster(job_, StatementLib.seatsHash(roster));
            _notAfter(job_.since + request.commitWindow);
        } else {
            _requireState(job_, IScheduler.State.Committed);
            if (posted.length != roster.length) revert IScheduler.BadRoster();
            _requireRoster(job_, StatementLib.sealedRosterHash(roster, posted));
            // The seats of the absent are closed, and stay so.
            if (job_.committed != _all(roster.length)) revert IScheduler.WrongState(IScheduler.State.Committed);
            _notAfter(job_.since + request.settleWindow);
        }
        bytes32 setDigest = _requireSet(jobId, roster, signatures);
        if (job_.state == IScheduler.State.Assigned) _enter(job_, IScheduler.State.Committed);
        _post(jobId, job_, roster, setDigest);
    }

    function proveEquivocation(
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        uint8 index,
        IScheduler.Pledge calldata first,
        IScheduler.Pledge calldata second
    ) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        if (job_.state != IScheduler.State.Contestable && job_.state != IScheduler.State.Contested) {
            _requireState(job_, IScheduler.State.Committed);
        }
        _requireRoster(job_, StatementLib.rosterHash(roster));
        if (index >= roster.length) revert IScheduler.BadIndex(index);
        uint16 bit = uint16(1 << index);
        if (job_.committed & bit == 0) revert IScheduler.NotCommitted(index);
        if (job_.equivocated & bit != 0) revert IScheduler.NoEquivocation();
        (bytes32 own, bytes32 statement) = _pledged(jobId, roster, index, first);
        (bytes32 other, bytes32 another) = _pledged(jobId, roster, index, second);
        if (own == other && (!first.isSet || !second.isSet || statement == another)) revert IScheduler.NoEquivocation();
        job_.equivocated |= bit;
        emit IScheduler.EquivocationProven(jobId, index);
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
        uint16 bit = _requireOpens(jobId, roster, opening, job_.committed);
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
        uint256 start = job_.since;
        if (job_.state != IScheduler.State.Contested) {
            _requireState(job_, IScheduler.State.Committed);
            start += request.settleWindow;
            _after(start);
        }
        _requireRoster(job_, StatementLib.rosterHash(roster));
        _notAfter(start + request.disputeWindow);

        uint16 committed = job_.committed;
        uint16 opened = job_.opened;
        for (uint256 i; i < openings.length; ++i) {
            uint16 bit = _requireOpens(jobId, roster, openings[i], committed);
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
        uint256 deadline = job_.since;
        if (state == IScheduler.State.Committed) {
            deadline += request.settleWindow;
            _after(deadline);
        } else if (state != IScheduler.State.Contested) {
            _requireState(job_, IScheduler.State.Contestable);
        }
        _requireRoster(job_, StatementLib.rosterHash(roster));
        (uint16 committed, uint16 opened, uint256 agreed) = (job_.committed, job_.opened, job_.agreed);
        if (opened != committed) _after(deadline + request.disputeWindow);
        uint16 seen;
        for (uint256 i; i < openings.length; ++i) {
            uint16 bit = _requireOpens(jobId, roster, openings[i], committed);
            if (bit <= seen) revert IScheduler.BadOrder();
            seen |= bit;
        }
        if (seen != opened) revert IScheduler.BadOrder();

        Ruling memory ruling;
        ruling.committed = committed;
        if (state == IScheduler.State.Contestable) {
            ruling.agreed = agreed;
        } else {
            ruling.agreed = MajorityLib.majority(openings, IScheduler.Policy(request.policy)) & ~job_.equivocated;
            ruling.undecided = ruling.agreed == 0 ? opened : 0;
            ruling.absent = committed & ~opened;
            if (state == IScheduler.State.Committed) ruling.fault = Fault.Silent;
            else if (ruling.agreed & ~agreed != 0) ruling.fault = Fault.Lost;
        }
        _finish(jobId, job_, request, roster, ruling);
    }

    function sketchDistance(bytes calldata a, bytes calldata b) external pure returns (uint256 distance, uint256 strict) {
        return SketchLib.distance(a, b);
    }

    /// @dev What a seat committed to by a pledge, and the statement, whose signature is checked.
    function _pledged(bytes32 jobId, IScheduler.SealedSeat[] calldata roster, uint8 index, IScheduler.Pledge calldata pledge)
        private
        view
        returns (bytes32 own, bytes32 statement)
    {
        if (pledge.commitments.length != (pledge.isSet ? roster.length : 1)) revert IScheduler.BadRoster();
        address account = roster[index].node;
        if (pledge.isSet) {
            own = pledge.commitments[index];
            statement = StatementLib.commitmentSet(jobId, StatementLib.sealedRosterHash(roster, pledge.commitments));
        } else {
            own = pledge.commitments[0];
            statement = StatementLib.commitment(jobId, account, own);
        }
        _requireSigned(account, _hashTypedDataV4(statement), pledge.signature);
    }

    /// @dev Returns the bit of the seat that `opening` opens.
    function _requireOpens(bytes32 jobId, IScheduler.SealedSeat[] calldata roster, IScheduler.Opening calldata opening, uint256 committed)
        private
        pure
        returns (uint16 bit)
    {
        uint8 index = opening.index;
        if (index >= roster.length) revert IScheduler.BadIndex(index);
        bit = uint16(1 << index);
        if (committed & bit == 0) revert IScheduler.NotCommitted(index);
        if (StatementLib.sealedHash(jobId, roster[index].node, opening, 0) != roster[index].commitment) revert IScheduler.BadOpening(index);
    }
}
