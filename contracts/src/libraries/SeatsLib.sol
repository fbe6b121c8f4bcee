// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IScheduler} from "../interfaces/IScheduler.sol";

/// @title Sets of seats as masks
library SeatsLib {
    /// @notice The set of all seats.
    function all(uint256 seats) internal pure returns (uint16) {
        return uint16((1 << seats) - 1);
    }

    /// @notice The set of one. Reverts where there is no such seat.
    function only(uint8 index, uint256 seats) internal pure returns (uint16) {
        if (index >= seats) revert IScheduler.BadIndex(index);
        return uint16(1 << index);
    }

    /// @notice The set of one of those that committed. Reverts where it is none.
    function onlyOf(uint8 index, uint256 seats, uint256 committed) internal pure returns (uint16 bit) {
        bit = only(index, seats);
        if (committed & bit == 0) revert IScheduler.NotCommitted(index);
    }

    /// @notice How many there are in a set.
    function count(uint256 mask) internal pure returns (uint256 seats) {
        for (; mask != 0; mask &= mask - 1) {
            ++seats;
        }
    }
}
