// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IScheduler} from "../interfaces/IScheduler.sol";
import {DrawLib} from "../libraries/DrawLib.sol";
import {PartyLib} from "../libraries/PartyLib.sol";
import {ReputationLib} from "../libraries/ReputationLib.sol";
import {StatementLib} from "../libraries/StatementLib.sol";
import {TermsLib} from "../libraries/TermsLib.sol";
import {Edges} from "./Edges.sol";

/// @title The draw
abstract contract Lottery is Edges {
    using PartyLib for IScheduler.Party;
    using ReputationLib for IScheduler.Party;
    using TermsLib for IScheduler.JobRequest;

    /// Bounds the gas of an assignment.
    uint256 public constant MAX_BIDS = 16;
    /// Key of a bid that does not count: larger than any.
    uint256 internal constant PASSED_OVER = type(uint256).max;

    /// @dev Of one draw: for what, among whom, and which keys count.
    struct Draw {
        bytes32 jobId;
        bytes32 seed;
        /// 0 for the first, 1 for newcomers.
        uint8 round;
        uint256 seats;
        /// Unix second after which no stake was deposited that counts.
        uint256 since;
        uint256 reach;
        /// How many posted bids are kept.
        uint256 posted;
    }

    /// @dev Open -> Assigned, Widening -> Assigned: draws seats besides those that are `taken`, and locks their stakes. Returns all.
    function _assign(
        bytes32 jobId,
        IScheduler.Job storage job_,
        IScheduler.JobRequest calldata request,
        IScheduler.Seat[] calldata taken,
        IScheduler.Bid[] calldata bids
    ) internal returns (IScheduler.Seat[] memory roster) {
        uint256[] memory best = _draw(request, taken, bids, _drawOf(jobId, job_, request, false));
        // Those of the winners are locked again.
        _release(jobId, job_, request);
        uint256 before = taken.length;
        roster = new IScheduler.Seat[](before + best.length);
        for (uint256 i; i < before; ++i) {
            roster[i] = taken[i];
        }
        for (uint256 i; i < best.length; ++i) {
            IScheduler.Bid calldata bid = bids[uint8(best[i])];
            roster[before + i] = IScheduler.Seat(bid.node, bid.price);
            _nodes[bid.node].lock(request.stake);
        }
        job_.rosterHash = keccak256(abi.encode(roster));
        _enter(job_, IScheduler.State.Assigned);
    }

    /// @dev The draw of an Open job, or of one in Widening.
    /// @param posting Whether for a bid to be posted, not for the draw itself.
    function _drawOf(bytes32 jobId, IScheduler.Job storage job_, IScheduler.JobRequest calldata request, bool posting)
        internal
        view
        returns (Draw memory)
    {
        uint256 since = job_.since;
        uint256 elapsed = block.timestamp - since;
        bool widening = job_.state == IScheduler.State.Widening;
        return Draw({
            jobId: jobId,
            seed: _seed(jobId, job_.seedBlock),
            round: widening ? 1 : 0,
            seats: widening ? uint256(request.replicas) + 1 : request.replicas,
            since: since,
            // Without a bound still short of the key of a bid to pass over.
            reach: Math.min(posting ? request.reachAfter(elapsed) : request.drawnAfter(elapsed), PASSED_OVER - 1),
            posted: job_.posted
        });
    }

    /// @dev Places of the winners among the bids, in the low byte, best first.
    /// @param taken Seats whose nodes win no other.
    function _draw(IScheduler.JobRequest calldata request, IScheduler.Seat[] calldata taken, IScheduler.Bid[] calldata bids, Draw memory draw)
        internal
        view
        returns (uint256[] memory best)
    {
        if (bids.length > MAX_BIDS) revert IScheduler.TooManyBids(bids.length);
        best = new uint256[](draw.seats);
        uint256 eligible;
        uint256 leftOut = (1 << draw.posted) - 1;
        address last;
        for (uint256 i; i < bids.length; ++i) {
            IScheduler.Bid calldata bid = bids[i];
            if (bid.node <= last) revert IScheduler.BadOrder();
            last = bid.node;
            uint256 place = leftOut == 0 ? draw.posted : _placeOf(draw, bid, true);
            uint256 key;
            if (place < draw.posted) {
                leftOut &= ~(1 << place);
                // As it was posted, whatever its node did since: else it could keep others off, and make way for a friend.
                key = DrawLib.long(_posted[draw.jobId][place] >> 224);
            } else {
                _requireBid(bid, draw);
                key = _keyOf(request, taken, bid, draw, request.stake);
            }
            if (key <= draw.reach) DrawLib.enter(best, eligible++, key, i);
        }
        for (uint256 i; leftOut != 0; ++i) {
            if (leftOut >> i & 1 == 1) revert IScheduler.BidLeftOut(_keptNode(_posted[draw.jobId][i]));
        }
        if (eligible < best.length) revert IScheduler.NotEnoughBids(eligible, best.length);
    }

    /// @dev Where the bid of this node, and with these terms, is kept; `posted` where it is not.
    function _placeOf(Draw memory draw, IScheduler.Bid calldata bid, bool terms) internal view returns (uint256 place) {
        uint256 kept = _kept(bid);
        uint256 ignored = terms ? 0 : 64;
        for (; place < draw.posted; ++place) {
            if (uint224(_posted[draw.jobId][place]) >> ignored == kept >> ignored) break;
        }
    }

    /// @dev A bid as it is kept, without its key.
    function _kept(IScheduler.Bid calldata bid) internal pure returns (uint256) {
        bytes32 terms = keccak256(abi.encode(bid.node, bid.price, bid.locality, bid.possession));
        return uint256(uint160(bid.node)) << 64 | uint64(uint256(terms));
    }

    /// @dev A claim to hold input is its node's key's word: what proves it false is a signature.
    function _requireBid(IScheduler.Bid calldata bid, Draw memory draw) internal view {
        bytes32 statement = StatementLib.bid(draw.jobId, bid, draw.seed, draw.round);
        if (bid.possession == 0) _authorize(bid.node, statement, bid.signature);
        else _requireKeys(bid.node, _hashTypedDataV4(statement), bid.signature);
    }

    /// @dev PASSED_OVER for a bid that does not count.
    /// @param needed Free stake that its node must have.
    function _keyOf(
        IScheduler.JobRequest calldata request,
        IScheduler.Seat[] calldata taken,
        IScheduler.Bid calldata bid,
        Draw memory draw,
        uint256 needed
    ) internal view returns (uint256) {
        address account = bid.node;
        for (uint256 i; i < taken.length; ++i) {
            if (taken[i].node == account) return PASSED_OVER;
        }
        IScheduler.Party memory party = _nodes[account];
        if (party.since == 0 || party.since > draw.since || party.free < needed) return PASSED_OVER;
        uint256 locality = bid.locality;
        if (bid.price > request.maxPrice || locality > TermsLib.BPS) return PASSED_OVER;
        uint256 score = party.scoreAt(block.timestamp / 1 days);
        if (score < request.minScore) return PASSED_OVER;
        if (bid.possession == 0 || request.dataRoot == 0) locality = 0;
        return DrawLib.key(
            draw.seed, account, DrawLib.weight(uint256(party.free) + party.locked, score, locality, bid.price, request.maxPrice)
        );
    }
}
