// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IScheduler} from "../interfaces/IScheduler.sol";

/// @title What a request says, checked and added up
library TermsLib {
    uint256 internal constant BPS = 10_000;
    /// Two bits of verdict each in 32, and a mask of 16.
    uint256 internal constant MAX_REPLICAS = 15;
    /// Part of the stake that a no-show costs: dearer than a price from a ratio of stake to price of 4 on, too little to be worth provoking.
    uint256 internal constant NO_SHOW_BPS = 2500;
    /// Part of the stake that a lost check costs: with it cheating loses at affordable chances of a check (docs/economics.md); all of it is for
    /// proven contradictions.
    uint256 internal constant CHECK_BPS = 5000;
    /// Part of that for who called for the check: something for the trouble, too little to have honest seats convicted for it.
    uint256 internal constant INFORMER_BPS = 1000;
    /// 2k + 1 seats must fit the masks.
    uint256 internal constant MAX_WIDENED = 7;
    uint256 internal constant WIDENING_BLOCKS = 3;
    /// A quarter of the assignment's window for posting, or longer if blocks are slow; the rest for drawing.
    uint256 internal constant WIDENING_POST_PART = 4;
    /// In the last two of this many parts of the assignment's window there is no bound on keys to post, in the last none to draw.
    uint256 internal constant REACH_STEPS = 8;

    /// @notice Reverts with the position of the first bad field.
    function check(IScheduler.JobRequest calldata request, uint256 minWindow, uint256 maxWindow) internal pure {
        uint8 bad;
        if (request.replicas == 0 || request.replicas > MAX_REPLICAS) bad = 3;
        else if (request.policy > uint8(type(IScheduler.Policy).max)) bad = 4;
        else if (request.maxPrice == 0) bad = 5;
        // A stake below the price would make taking it and delivering rubbish a good trade.
        else if (request.stake < request.maxPrice) bad = 6;
        else if (request.minScore > BPS) bad = 7;
        else if (request.assignWindow < minWindow || request.assignWindow > maxWindow) bad = 8;
        else if (request.commitWindow < minWindow || request.commitWindow > maxWindow) bad = 9;
        else if (request.settleWindow < minWindow || request.settleWindow > maxWindow) bad = 10;
        else if (request.disputeWindow < minWindow || request.disputeWindow > maxWindow) bad = 11;
        else if (request.shards == 0) bad = 16;
        else if (request.dataRoot != 0 && request.dataBytes == 0) bad = 18;
        if (bad != 0) revert IScheduler.BadRequest(bad);
    }

    /// @notice What the client locks: one price for each replica, and its bond of one more.
    function escrow(IScheduler.JobRequest calldata request) internal pure returns (uint256) {
        return (uint256(request.replicas) + 1) * request.maxPrice;
    }

    /// @notice Largest key of a bid that is posted after so many seconds.
    function reachAfter(IScheduler.JobRequest calldata request, uint256 elapsed) internal pure returns (uint256) {
        return _reachAt(request, elapsed * REACH_STEPS / request.assignWindow);
    }

    /// @notice Largest key that wins after so many seconds: the one that could be posted a step before, so nobody is drawn whom those beside
    /// him had no time to post against.
    function drawnAfter(IScheduler.JobRequest calldata request, uint256 elapsed) internal pure returns (uint256) {
        uint256 step = elapsed * REACH_STEPS / request.assignWindow;
        return _reachAt(request, step == 0 ? 0 : step - 1);
    }

    function _reachAt(IScheduler.JobRequest calldata request, uint256 step) private pure returns (uint256) {
        uint256 reach = request.reach;
        if (reach == 0 || step + 2 >= REACH_STEPS || reach >> (256 - 2 * step) != 0) return type(uint256).max;
        return reach << (2 * step);
    }

    /// @notice What an absent node loses.
    function noShow(IScheduler.JobRequest calldata request) internal pure returns (uint256) {
        return uint256(request.stake) * NO_SHOW_BPS / BPS;
    }

    /// @notice What a seat loses that a check outvoted.
    function check(IScheduler.JobRequest calldata request) internal pure returns (uint256) {
        return uint256(request.stake) * CHECK_BPS / BPS;
    }

    /// @notice Seconds from a widening's call in which bids for it are posted.
    function postWindow(IScheduler.JobRequest calldata request) internal pure returns (uint256) {
        return request.assignWindow / WIDENING_POST_PART;
    }

    /// @notice How high the tree over the shards' sketches is.
    function proofLength(IScheduler.JobRequest calldata request) internal pure returns (uint256) {
        return request.shards == 1 ? 0 : Math.log2(request.shards - 1) + 1;
    }
}
