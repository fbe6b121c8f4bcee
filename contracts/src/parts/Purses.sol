// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IScheduler} from "../interfaces/IScheduler.sol";
import {Ledger} from "./Ledger.sol";

/// @title Coin that comes in, and coin that is burnt
abstract contract Purses is Ledger {
    using SafeERC20 for IERC20;

    address internal constant GRAVE = 0x000000000000000000000000000000000000dEaD;

    /// @dev Locks the client's coin. Returns what its purse lacks, to be pulled once all is written.
    function _lockClient(address account, uint256 amount) internal returns (uint256 missing) {
        IScheduler.Party memory party = _clients[account];
        missing = amount > party.free ? amount - party.free : 0;
        party.free = uint88(party.free + missing - amount);
        party.locked += uint88(amount);
        if (party.since == 0) party.since = uint32(block.timestamp);
        _clients[account] = party;
    }

    function _pullMissing(address account, uint256 missing) internal {
        if (missing == 0) return;
        emit IScheduler.Funded(account, uint88(missing));
        _pull(account, missing);
    }

    /// @dev Takes coin, all of it.
    function _pull(address from, uint256 amount) internal {
        uint256 before = COIN.balanceOf(address(this));
        COIN.safeTransferFrom(from, address(this), amount);
        uint256 received = COIN.balanceOf(address(this)) - before;
        if (received != amount) revert IScheduler.CoinShort(received, amount);
    }

    /// @dev A coin that will not be burnt cannot hang the job: it stays here, and is nobody's.
    function _burn(uint256 amount) internal {
        if (amount > 0) COIN.trySafeTransfer(GRAVE, amount);
    }
}
