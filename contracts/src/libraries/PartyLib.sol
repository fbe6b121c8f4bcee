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
    /// @dev Free coin is the lowest 88 bits of the slot, locked coin the next.
    function lock(IScheduler.Party storage party, uint256 amount) internal {
        uint256 word;
        assembly ("memory-safe") {
            word := sload(party.slot)
        }
        uint256 free = uint88(word);
        if (free < amount) revert IScheduler.InsufficientFunds(free, amount);
        unchecked {
            word = word - amount + (amount << 88);
        }
        assembly ("memory-safe") {
            sstore(party.slot, word)
        }
    }

    /// @notice Makes locked coin free: the way back of `lock`.
    function unlock(IScheduler.Party storage party, uint256 amount) internal {
        party.locked -= uint88(amount);
        party.free += uint88(amount);
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
            if (bad != 0) emit IScheduler.Rated(account, asNode, party.good, party.bad);
        }
        _store(slot, party);
    }

    /// @dev All of the slot at once: member by member it is read and written anew for each.
    function _store(IScheduler.Party storage slot, IScheduler.Party memory party) private {
        uint256 word = uint256(party.free) | uint256(party.locked) << 88 | uint256(party.good) << 176 | uint256(party.bad) << 192
            | uint256(party.day) << 208 | uint256(party.since) << 224;
        assembly ("memory-safe") {
            sstore(slot.slot, word)
        }
    }
}
