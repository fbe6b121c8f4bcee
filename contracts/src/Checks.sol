// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IRandomness} from "./interfaces/IRandomness.sol";
import {IScheduler} from "./interfaces/IScheduler.sol";
import {DrawLib} from "./libraries/DrawLib.sol";
import {PartyLib} from "./libraries/PartyLib.sol";
import {PossessionLib} from "./libraries/PossessionLib.sol";
import {StatementLib} from "./libraries/StatementLib.sol";
import {TermsLib} from "./libraries/TermsLib.sol";
import {SchedulerBase} from "./SchedulerBase.sol";

/// @title The part of the scheduler for bids that are posted, for audits, proofs of cheating, and what nobody carried on in time
/// @dev Documentation is in IScheduler. Runs on the scheduler's storage, like Disputes.
contract Checks is SchedulerBase {
    using PartyLib for IScheduler.Party;
    using TermsLib for IScheduler.JobRequest;

    constructor(IERC20 coin_, IRandomness randomness, uint256 seedDelay) SchedulerBase(coin_, randomness, seedDelay) {}

    /* BIDS */

    function postBids(IScheduler.JobRequest calldata request, IScheduler.Seat[] calldata roster, IScheduler.Bid[] calldata bids) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        uint256 lastBlock = job_.seedBlock + request.bidBlocks;
        if (job_.state == IScheduler.State.Widening) {
            _requireRoster(job_, StatementLib.rosterHash(roster));
            lastBlock += TermsLib.WIDENING_BLOCKS;
            if (block.timestamp <= job_.since + request.postWindow()) lastBlock = type(uint256).max;
        } else {
            _requireState(job_, IScheduler.State.Open);
            if (roster.length != 0) revert IScheduler.BadRoster();
        }
        _notAfter(job_.since + request.assignWindow);
        Draw memory draw = _drawOf(jobId, job_, request, true);
        bool late = block.number > lastBlock;
        if (late && !_isOpen(job_, request, draw)) revert IScheduler.PostingOver(lastBlock);
        for (uint256 i; i < bids.length; ++i) {
            IScheduler.Bid calldata bid = bids[i];
            _authorize(bid.node, StatementLib.bid(jobId, bid, draw.seed, draw.round), bid.signature);
            uint256 key = _keyOf(request, roster, bid, draw);
            if (key > draw.reach) revert IScheduler.BidIneligible(bid.node);
            if (_keep(draw, bid, key, late)) emit IScheduler.BidPosted(jobId, draw.round, key, bid);
        }
        job_.posted = uint8(draw.posted);
    }

    function drawMore(IScheduler.JobRequest calldata request, IScheduler.Seat[] calldata roster, IScheduler.Bid[] calldata bids) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        _requireState(job_, IScheduler.State.Widening);
        _requireRoster(job_, StatementLib.rosterHash(roster));
        _notAfter(job_.since + request.assignWindow);
        _after(job_.since + request.postWindow());
        uint256 lastPost = job_.seedBlock + request.bidBlocks + TermsLib.WIDENING_BLOCKS;
        if (block.number <= lastPost) revert IScheduler.SeedNotYet(lastPost);
        uint256[] memory best = _draw(request, roster, bids, _drawOf(jobId, job_, request, false));

        IScheduler.Seat[] memory all = new IScheduler.Seat[](roster.length + best.length);
        for (uint256 i; i < roster.length; ++i) {
            all[i] = roster[i];
        }
        for (uint256 i; i < best.length; ++i) {
            IScheduler.Bid calldata bid = bids[uint8(best[i])];
            all[roster.length + i] = IScheduler.Seat(bid.node, bid.price);
            _nodes[bid.node].lock(request.stake);
        }
        job_.rosterHash = keccak256(abi.encode(all));
        job_.posted = 0;
        _enter(job_, IScheduler.State.Assigned);
        emit IScheduler.Widened(jobId, all);
    }

    /// @dev Whether fewer are kept that can win already than there are seats. The rest come within reach later, and may post until then: else the
    /// client would fill their seats as it likes.
    function _isOpen(IScheduler.Job storage job_, IScheduler.JobRequest calldata request, Draw memory draw) private view returns (bool) {
        if (request.reach == 0) return false;
        uint256 reach = DrawLib.short(request.drawnAfter(block.timestamp - job_.since));
        uint256 within;
        for (uint256 i; i < draw.posted; ++i) {
            if (_posted[draw.jobId][i] >> 224 < reach) ++within;
        }
        return within < draw.seats;
    }

    /// @dev Keeps a bid where it is among the best: in the place of its node's earlier one, in a free one, or in that of the worst.
    function _keep(Draw memory draw, IScheduler.Bid calldata bid, uint256 key, bool late) private returns (bool) {
        uint256 entry = DrawLib.short(key) << 224 | _kept(bid);
        uint256 place = _placeOf(draw, bid, false);
        mapping(uint256 => uint256) storage kept = _posted[draw.jobId];
        if (place < draw.posted) {
            // What is posted late stands: else a node that changes its mind in every block would let nobody assign.
            if (late || kept[place] == entry) return false;
        } else if (place < draw.seats) {
            ++draw.posted;
        } else {
            place = 0;
            for (uint256 i = 1; i < draw.posted; ++i) {
                if (kept[i] > kept[place]) place = i;
            }
            if (entry >> 224 >= kept[place] >> 224) return false;
        }
        kept[place] = entry;
        return true;
    }

    /* PROOFS */

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
        if (index >= roster.length) revert IScheduler.BadIndex(index);
        uint16 bit = uint16(1 << index);
        if (!assigned && job_.committed & bit == 0) revert IScheduler.NotCommitted(index);
        if (bid.node != roster[index].node) revert IScheduler.BadRoster();
        if (job_.equivocated & bit != 0 || bid.possession == 0 || request.dataRoot == 0) revert IScheduler.NoFalseClaim();
        bool first = index < request.replicas;
        bytes32 seed = _seed(jobId, first ? _firstSeedBlock(job_) : job_.seedBlock);
        _requireSigned(bid.node, _hashTypedDataV4(StatementLib.bid(jobId, bid, seed, first ? 0 : 1)), bid.signature);
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
        if (index >= roster.length) revert IScheduler.BadIndex(index);
        uint16 bit = uint16(1 << index);
        if (job_.committed & bit == 0) revert IScheduler.NotCommitted(index);
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

    /* AUDITS */

    function audit(
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        bytes32 secret,
        uint16 auditBps,
        bytes calldata signature
    ) external {
        (bytes32 jobId, IScheduler.Job storage job_) = _find(request);
        _requireState(job_, IScheduler.State.Committed);
        _requireRoster(job_, StatementLib.rosterHash(roster));
        _notAfter(job_.since + request.settleWindow);
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
        _after(job_.since + (widening ? request.assignWindow : request.commitWindow));
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
        (job_.widening, job_.posted) = (uint8(who | LAPSED), 0);
        _seal(jobId, job_, roster, new bytes32[](roster.length), job_.committed, 0);
    }

    function _closeClient(IScheduler.JobRequest calldata request, uint256 refund, uint256 bad) private {
        _clients[request.client].close(request.client, false, request.escrow(), refund, 0, bad);
    }
}
