// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IScheduler} from "../interfaces/IScheduler.sol";
import {ReputationLib} from "./ReputationLib.sol";

/// @title Coin and reputation of a party
/// @dev Amounts are narrowed without a check: every one of them is coin the scheduler holds, of a supply below 2^88.
library PartyLib {
    using ReputationLib for IScheduler.Party;

    /// @notice Takes free coin away.
    function take(IScheduler.Party storage party, uint256 amount) internal {
        uint256 free = party.free;
        if (free < amount) revert IScheduler.InsufficientFunds(free, amount);
        unchecked {
            party.free = uint88(free - amount);
        }
    }

    /// @notice Makes free coin locked.
    function lock(IScheduler.Party storage party, uint256 amount) internal {
        (uint256 free, uint256 locked) = (party.free, party.locked);
        if (free < amount) revert IScheduler.InsufficientFunds(free, amount);
        unchecked {
            (party.free, party.locked) = (uint88(free - amount), uint88(locked + amount));
        }
    }

    /// @notice Unlocks `held`, gives `back`, and rates.
    function close(
        IScheduler.Party storage slot,
        address account,
        bool asNode,
        uint256 held,
        uint256 back,
        uint256 good,
        uint256 bad
    ) internal {
        IScheduler.Party memory party = slot;
        party.locked -= uint88(held);
        party.free += uint88(back);
        if (good | bad != 0) {
            party.rate(block.timestamp / 1 days, good, bad);
            emit IScheduler.Rated(account, asNode, party.good, party.bad);
        }
        (slot.free, slot.locked, slot.good, slot.bad, slot.day) = (party.free, party.locked, party.good, party.bad, party.day);
    }
}
