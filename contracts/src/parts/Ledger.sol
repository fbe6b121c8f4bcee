// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IRandomness} from "../interfaces/IRandomness.sol";
import {IScheduler} from "../interfaces/IScheduler.sol";

/// @title What the scheduler remembers
/// @dev All storage, in one place: the three pieces of code work on the same slots.
abstract contract Ledger is EIP712 {
    IERC20 public immutable COIN;
    IRandomness public immutable RANDOMNESS;
    uint256 public immutable SEED_DELAY;

    mapping(bytes32 jobId => IScheduler.Job) internal _jobs;
    mapping(bytes32 jobId => mapping(uint256 index => bytes32)) internal _commitments;
    /// Kept posted bids: the key, shortened to 32 bits; the node; 64 bits of the hash of the terms, which hold for as long as bids are taken.
    mapping(bytes32 jobId => mapping(uint256 place => uint256)) internal _posted;
    mapping(address account => IScheduler.Party) internal _nodes;
    mapping(address account => IScheduler.Party) internal _clients;
    /// How many nodes ever registered.
    uint256 internal _nodeCount;

    constructor(IERC20 coin_, IRandomness randomness, uint256 seedDelay) EIP712("Gadus", "1") {
        (COIN, RANDOMNESS, SEED_DELAY) = (coin_, randomness, seedDelay);
    }
}
