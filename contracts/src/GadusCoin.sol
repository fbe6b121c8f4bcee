// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title The coin the scheduler settles in
/// @notice A plain ERC-20 with permit and burn. The whole supply is minted to the deployer; nobody owns the contract.
contract GadusCoin is ERC20, ERC20Burnable, ERC20Permit {
    /// @notice 200 million coins of 18 decimals: 2e26 units, below 2^88, so that a balance fits the scheduler's packed slots.
    uint256 public constant SUPPLY = 200_000_000e18;

    constructor() ERC20("Gadus", "GADUS") ERC20Permit("Gadus") {
        _mint(msg.sender, SUPPLY);
    }
}
