// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IScheduler} from "../interfaces/IScheduler.sol";
import {PartyLib} from "../libraries/PartyLib.sol";
import {ReputationLib} from "../libraries/ReputationLib.sol";
import {Purses} from "./Purses.sol";

/// @title Nodes' stakes and clients' purses
/// @dev Documentation is in IScheduler.
abstract contract Parties is IScheduler, Purses {
    using SafeERC20 for IERC20;
    using PartyLib for Party;
    using ReputationLib for Party;

    function register(uint88 amount, bytes calldata profile) external {
        Party storage party = _nodes[msg.sender];
        party.free += amount;
        if (party.since == 0) ++_nodeCount;
        if (amount > 0 || party.since == 0) party.since = uint32(block.timestamp);
        emit Registered(msg.sender, amount, profile);
        if (amount > 0) _pull(msg.sender, amount);
    }

    function fund(address account, uint88 amount) external {
        Party storage party = _clients[account];
        party.free += amount;
        if (party.since == 0) party.since = uint32(block.timestamp);
        emit Funded(account, amount);
        _pull(msg.sender, amount);
    }

    function withdraw(bool asNode, address to, uint88 amount) external {
        (asNode ? _nodes[msg.sender] : _clients[msg.sender]).take(amount);
        emit Withdrawn(msg.sender, asNode, to, amount);
        COIN.safeTransfer(to, amount);
    }

    function node(address account) external view returns (Party memory) {
        return _nodes[account];
    }

    function client(address account) external view returns (Party memory) {
        return _clients[account];
    }

    function nodeCount() external view returns (uint256) {
        return _nodeCount;
    }

    function scoreOf(address account, bool asNode) external view returns (uint256) {
        Party memory party = asNode ? _nodes[account] : _clients[account];
        return party.scoreAt(block.timestamp / 1 days);
    }
}
