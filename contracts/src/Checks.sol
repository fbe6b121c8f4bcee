// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IRandomness} from "./interfaces/IRandomness.sol";
import {IScheduler} from "./interfaces/IScheduler.sol";
import {PartyLib} from "./libraries/PartyLib.sol";
import {StatementLib} from "./libraries/StatementLib.sol";
import {TermsLib} from "./libraries/TermsLib.sol";
import {Ending} from "./parts/Ending.sol";
import {Ledger} from "./parts/Ledger.sol";
import {PostedBids} from "./parts/PostedBids.sol";
import {Proofs} from "./parts/Proofs.sol";

/// @title The part of the scheduler for bids that are posted, for audits, proofs of cheating, and what nobody carried on in time
/// @dev Documentation is in IScheduler. Runs on the scheduler's storage, like Disputes.
contract Checks is PostedBids, Proofs, Ending {
    using PartyLib for IScheduler.Party;
    using TermsLib for IScheduler.JobRequest;

    constructor(IERC20 coin_, IRandomness randomness, uint256 seedDelay) Ledger(coin_, randomness, seedDelay) {}

    function drawMore(IScheduler.JobRequest calldata request, IScheduler.Seat[] calldata roster, IScheduler.Bid[] calldata bids) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        _requireStep(job_, IScheduler.State.Widening, StatementLib.rosterHash(roster), request.assignWindow);
        _after(job_.since + request.postWindow());
        uint256 lastPost = job_.seedBlock + request.bidBlocks + TermsLib.WIDENING_BLOCKS;
        if (block.number <= lastPost) revert IScheduler.SeedNotYet(lastPost);
        emit IScheduler.Widened(jobId, _assign(jobId, job_, request, roster, bids));
    }

    /* AUDITS */

    function audit(
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        bytes32 secret,
        uint16 auditBps,
        bytes calldata signature
    ) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        _requireStep(job_, IScheduler.State.Committed, StatementLib.rosterHash(roster), request.settleWindow);
        _authorize(request.client, StatementLib.audit(jobId, secret, auditBps), signature);
        if (keccak256(abi.encode(secret, auditBps)) != request.secretHash) revert IScheduler.BadSecret();
        if (request.replicas != 1) revert IScheduler.NotWidenable();
        uint256 lot = uint256(keccak256(abi.encode(secret, jobId, roster[0].commitment))) % TermsLib.BPS;
        if (lot >= auditBps) revert IScheduler.NotDrawn();
        _widen(jobId, job_, request, roster, CLIENT, request.client);
    }

    /* DEADLINES */

    function expire(IScheduler.JobRequest calldata request, IScheduler.Seat[] calldata roster) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        if (job_.state == IScheduler.State.Open) {
            _after(job_.since + request.assignWindow);
            return _cancel(jobId, job_, request);
        }
        bool widening = job_.state == IScheduler.State.Widening;
        if (!widening) _requireState(job_, IScheduler.State.Assigned);
        _requireRoster(job_, StatementLib.rosterHash(roster));
        // Who registers now comes too late for this draw: where there are not as many nodes as seats, there is nothing to wait for.
        bool hopeless = widening && _nodeCount < 2 * uint256(request.replicas) + 1;
        if (!hopeless) _after(job_.since + (widening ? request.assignWindow : request.commitWindow));
        if (widening) _lapse(jobId, job_, request, roster);
        else _close(jobId, job_, request, roster);
    }

    function cancel(IScheduler.JobRequest calldata request, bytes calldata signature) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        _requireState(job_, IScheduler.State.Open);
        _authorize(request.client, StatementLib.cancel(jobId), signature);
        _cancel(jobId, job_, request);
    }

    /// @dev Open -> Cancelled
    function _cancel(bytes32 jobId, IScheduler.Job storage job_, IScheduler.JobRequest calldata request) private {
        _release(jobId, job_, request);
        _closeClient(request, request.escrow(), block.number > job_.seedBlock ? CANCELLED_LATE : 0);
        _enter(job_, IScheduler.State.Cancelled);
        emit IScheduler.Cancelled(jobId);
    }

    /// @dev Assigned -> Committed or Expired: the absent pay, to the client, but what they forfeit for a false claim.
    function _close(bytes32 jobId, IScheduler.Job storage job_, IScheduler.JobRequest calldata request, IScheduler.Seat[] calldata roster) private {
        (uint256 committed, uint256 equivocated) = (job_.committed, job_.equivocated);
        uint256 slashed;
        uint256 burnt;
        for (uint256 i; i < roster.length; ++i) {
            if (committed >> i & 1 == 1) continue;
            bool claimed = equivocated >> i & 1 == 1;
            if (claimed) burnt += request.stake;
            else slashed += request.noShow();
            _closeSeat(request, roster[i].node, 0, IScheduler.ReplicaVerdict.Absent, false, claimed, 0, 0);
        }
        job_.equivocated = uint16(equivocated & committed);
        if (committed != 0) {
            _clients[request.client].free += uint88(slashed);
            _seal(jobId, job_, roster, new bytes32[](roster.length), committed, 0);
        } else {
            _closeClient(request, request.escrow() + slashed, 0);
            delete job_.rosterHash;
            _enter(job_, IScheduler.State.Expired);
            emit IScheduler.Expired(jobId);
        }
        _burn(burnt);
    }

    /// @dev Widening -> Committed: nobody was drawn, the caller has its coin back.
    function _lapse(bytes32 jobId, IScheduler.Job storage job_, IScheduler.JobRequest calldata request, IScheduler.Seat[] calldata roster) private {
        uint256 who = job_.widening;
        uint256 locked = request.escrow();
        if (who == CLIENT) {
            _clients[request.client].close(request.client, false, locked, locked, 0, 0);
        } else {
            address account = roster[who - FIRST_SEAT].node;
            _nodes[account].close(account, true, locked, locked, 0, 0);
        }
        _release(jobId, job_, request);
        job_.widening = uint8(who | LAPSED);
        _seal(jobId, job_, roster, new bytes32[](roster.length), job_.committed, 0);
    }

    function _closeClient(IScheduler.JobRequest calldata request, uint256 refund, uint256 bad) private {
        _clients[request.client].close(request.client, false, request.escrow(), refund, 0, bad);
    }
}
