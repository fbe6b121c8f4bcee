// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IScheduler} from "../interfaces/IScheduler.sol";
import {DrawLib} from "../libraries/DrawLib.sol";
import {PartyLib} from "../libraries/PartyLib.sol";
import {StatementLib} from "../libraries/StatementLib.sol";
import {TermsLib} from "../libraries/TermsLib.sol";
import {Lottery} from "./Lottery.sol";

/// @title Bids that cannot be left out
/// @dev Documentation is in IScheduler.
abstract contract PostedBids is Lottery {
    using PartyLib for IScheduler.Party;
    using TermsLib for IScheduler.JobRequest;

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
            _requireBid(bid, draw);
            uint256 place = _placeOf(draw, bid, false);
            // The stake of one that is kept is locked already.
            uint256 key = _keyOf(request, roster, bid, draw, place < draw.posted ? 0 : request.stake);
            if (key > draw.reach) revert IScheduler.BidIneligible(bid.node);
            if (_keep(request, draw, bid, key, place, late)) emit IScheduler.BidPosted(jobId, draw.round, key, bid);
        }
        job_.posted = uint8(draw.posted);
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

    /// @dev Keeps a bid where it is among the best: in the place of its node's earlier one, in a free one, or in that of the worst. Its stake is
    /// locked from here on: who keeps others off is there when it comes to the draw.
    function _keep(
        IScheduler.JobRequest calldata request,
        Draw memory draw,
        IScheduler.Bid calldata bid,
        uint256 key,
        uint256 place,
        bool late
    ) private returns (bool) {
        uint256 short = DrawLib.short(key);
        mapping(uint256 => uint256) storage kept = _posted[draw.jobId];
        if (place < draw.posted) {
            // One that kept others off cannot be made worse; and what is posted late stands: else a node that changes its mind in every block
            // would let nobody assign.
            if (late || short >= kept[place] >> 224) return false;
        } else {
            if (place < draw.seats) {
                ++draw.posted;
            } else {
                place = 0;
                for (uint256 i = 1; i < draw.posted; ++i) {
                    if (kept[i] > kept[place]) place = i;
                }
                if (short >= kept[place] >> 224) return false;
                _nodes[_keptNode(kept[place])].unlock(request.stake);
            }
            _nodes[bid.node].lock(request.stake);
        }
        kept[place] = short << 224 | _kept(bid);
        return true;
    }
}
