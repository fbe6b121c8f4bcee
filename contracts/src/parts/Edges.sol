// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IScheduler} from "../interfaces/IScheduler.sol";
import {PartyLib} from "../libraries/PartyLib.sol";
import {SeatsLib} from "../libraries/SeatsLib.sol";
import {StatementLib} from "../libraries/StatementLib.sol";
import {TermsLib} from "../libraries/TermsLib.sol";
import {Purses} from "./Purses.sol";
import {Steps} from "./Steps.sol";

/// @title Moves from state to state that several steps make
abstract contract Edges is Purses, Steps {
    using PartyLib for IScheduler.Party;
    using TermsLib for IScheduler.JobRequest;

    /// Who called for a widening: the client, or a seat by its number.
    uint256 internal constant CLIENT = 1;
    uint256 internal constant FIRST_SEAT = 2;
    uint256 internal constant LAPSED = 128;

    function _enter(IScheduler.Job storage job_, IScheduler.State state) internal {
        (job_.state, job_.since) = (state, uint40(block.timestamp));
    }

    /// @dev Assigned -> Committed, Widening -> Committed. Folds the commitments, those in `stored` from their slots and those in `fresh` from
    /// `all`, into the roster.
    function _seal(
        bytes32 jobId,
        IScheduler.Job storage job_,
        IScheduler.Seat[] calldata roster,
        bytes32[] memory all,
        uint256 stored,
        uint256 fresh
    ) internal {
        for (uint256 i; i < all.length; ++i) {
            if (stored >> i & 1 == 0) continue;
            all[i] = _commitments[jobId][i];
            delete _commitments[jobId][i];
        }
        job_.rosterHash = StatementLib.sealedRosterHash(roster, all);
        job_.committed = uint16(stored | fresh);
        _enter(job_, IScheduler.State.Committed);
        emit IScheduler.CommitmentsClosed(jobId, uint16(stored | fresh));
    }

    /// @dev Lets the set take the place of whatever was posted one by one.
    function _post(bytes32 jobId, IScheduler.Job storage job_, IScheduler.SealedSeat[] calldata roster, bytes32 setDigest) internal {
        _forgetPosted(jobId, job_, roster.length);
        job_.rosterHash = setDigest;
        job_.committed = SeatsLib.all(roster.length);
        bytes32[] memory commitments = new bytes32[](roster.length);
        for (uint256 i; i < roster.length; ++i) {
            commitments[i] = roster[i].commitment;
        }
        emit IScheduler.SetPosted(jobId, commitments);
    }

    function _forgetPosted(bytes32 jobId, IScheduler.Job storage job_, uint256 seats) internal {
        if (job_.committed == 0) return;
        for (uint256 i; i < seats; ++i) {
            delete _commitments[jobId][i];
        }
    }

    /// @dev Frees the stakes of bids that are kept, and keeps none of them any more.
    function _release(bytes32 jobId, IScheduler.Job storage job_, IScheduler.JobRequest calldata request) internal {
        uint256 count = job_.posted;
        for (uint256 i; i < count; ++i) {
            _nodes[_keptNode(_posted[jobId][i])].unlock(request.stake);
        }
        job_.posted = 0;
    }

    /// @dev Whose bid a kept one is.
    function _keptNode(uint256 entry) internal pure returns (address) {
        return address(uint160(entry >> 64));
    }

    /// @dev Committed or Contested -> Widening
    function _widen(
        bytes32 jobId,
        IScheduler.Job storage job_,
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        uint256 who,
        address caller
    ) internal {
        if (!_widenable(job_, request)) revert IScheduler.NotWidenable();
        bool audited = job_.state == IScheduler.State.Committed && job_.opened == 0;
        uint256 contested = job_.contested;
        for (uint256 i; i < roster.length; ++i) {
            _commitments[jobId][i] = roster[i].commitment;
            if (contested >> i & 1 == 1) _nodes[roster[i].node].close(roster[i].node, true, request.maxPrice, request.maxPrice, 0, 0);
        }
        uint48 seedBlock = uint48(block.number + SEED_DELAY);
        job_.rosterHash = StatementLib.seatsHash(roster);
        // No job is as old as 2^32 blocks; of one that were, the claims of its first seats could not be proven false.
        (job_.seedsApart, job_.seedBlock, job_.widening) = (uint32(seedBlock - job_.seedBlock), seedBlock, uint8(who));
        (job_.agreed, job_.opened, job_.contested, job_.shard) = (0, 0, 0, 0);
        _enter(job_, IScheduler.State.Widening);
        uint256 missing;
        if (who == CLIENT) missing = _lockClient(caller, request.escrow());
        else _nodes[caller].lock(request.escrow());
        emit IScheduler.WideningCalled(jobId, caller, audited, seedBlock);
        _pullMissing(caller, missing);
    }

    function _widenable(IScheduler.Job storage job_, IScheduler.JobRequest calldata request) internal view returns (bool) {
        return job_.widening == 0 && request.replicas <= TermsLib.MAX_WIDENED && job_.committed == SeatsLib.all(request.replicas)
            && request.policy != uint8(IScheduler.Policy.None);
    }
}
