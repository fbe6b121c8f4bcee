// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IScheduler} from "../interfaces/IScheduler.sol";

/// @title What a request says, checked and added up
library TermsLib {
    uint256 internal constant BPS = 10_000;
    /// Two bits of verdict each in 32, and a mask of 16.
    uint256 internal constant MAX_REPLICAS = 15;
    /// Part of the stake that a no-show costs: dearer than a price from a ratio of stake to price of 4 on, too little to be worth provoking.
    uint256 internal constant NO_SHOW_BPS = 2500;

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
        if (bad != 0) revert IScheduler.BadRequest(bad);
    }

    /// @notice What the client locks: one price for each replica, and its bond of one more.
    function escrow(IScheduler.JobRequest calldata request) internal pure returns (uint256) {
        return (uint256(request.replicas) + 1) * request.maxPrice;
    }

    /// @notice What an absent node loses.
    function noShow(IScheduler.JobRequest calldata request) internal pure returns (uint256) {
        return uint256(request.stake) * NO_SHOW_BPS / BPS;
    }
}
