// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IScheduler} from "../interfaces/IScheduler.sol";
import {StatementLib} from "../libraries/StatementLib.sol";
import {WalletLib} from "../libraries/WalletLib.sol";
import {Ledger} from "./Ledger.sol";

/// @title What a step begins with: its job, its time, its roster, and whose word it is
abstract contract Steps is Ledger {
    function _find(IScheduler.JobRequest calldata request) internal view returns (bytes32 jobId, IScheduler.Job storage job_) {
        jobId = _hashTypedDataV4(StatementLib.jobRequest(request));
        job_ = _jobs[jobId];
    }

    function _requireState(IScheduler.Job storage job_, IScheduler.State expected) internal view {
        if (job_.state != expected) revert IScheduler.WrongState(job_.state);
    }

    function _requireRoster(IScheduler.Job storage job_, bytes32 rosterHash) internal view {
        if (rosterHash != job_.rosterHash) revert IScheduler.BadRoster();
    }

    /// @dev The head of most steps: the job is in this state, `rosterHash` is its roster's, and the window that began with the state is open.
    function _requireStep(IScheduler.Job storage job_, IScheduler.State state, bytes32 rosterHash, uint256 window) internal view {
        _requireState(job_, state);
        _requireRoster(job_, rosterHash);
        _notAfter(job_.since + window);
    }

    function _notAfter(uint256 deadline) internal view {
        if (block.timestamp > deadline) revert IScheduler.TooLate(deadline);
    }

    function _after(uint256 deadline) internal view {
        if (block.timestamp <= deadline) revert IScheduler.TooEarly(deadline);
    }

    function _authorize(address party, bytes32 statement, bytes calldata signature) internal view {
        if (signature.length == 0 && msg.sender == party) return;
        _requireSigned(party, _hashTypedDataV4(statement), signature);
    }

    /// @dev An empty signature stands for `msg.sender`.
    function _requireSigned(address party, bytes32 digest, bytes calldata signature) internal view {
        if (signature.length == 0 && msg.sender == party) return;
        if (_isKeys(party, digest, signature)) return;
        if (!WalletLib.approves(party, digest, signature)) revert IScheduler.BadSignature(party);
    }

    /// @dev By a key alone: that it signed stays true, while a wallet may take its word back, and a caller leaves no signature.
    function _requireKeys(address party, bytes32 digest, bytes calldata signature) internal pure {
        if (!_isKeys(party, digest, signature)) revert IScheduler.BadSignature(party);
    }

    function _isKeys(address party, bytes32 digest, bytes calldata signature) private pure returns (bool) {
        (address signer, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(digest, signature);
        return failure == ECDSA.RecoverError.NoError && signer == party;
    }

    /// @dev The seats that had committed before a widening keep their commitments.
    function _requireFirst(bytes32 jobId, IScheduler.JobRequest calldata request, IScheduler.SealedSeat[] calldata roster) internal view {
        if (roster.length == request.replicas) return;
        for (uint256 i; i < request.replicas; ++i) {
            if (_commitments[jobId][i] != roster[i].commitment) revert IScheduler.BadRoster();
        }
    }

    /// @dev All seats have signed that these are all commitments there will be. Returns the hash of the roster with them.
    function _requireSet(bytes32 jobId, IScheduler.SealedSeat[] calldata roster, bytes[] calldata signatures)
        internal
        view
        returns (bytes32 setDigest)
    {
        uint256 count = roster.length;
        if (signatures.length != count) revert IScheduler.BadRoster();
        setDigest = StatementLib.rosterHash(roster);
        bytes32 digest = _hashTypedDataV4(StatementLib.commitmentSet(jobId, setDigest));
        for (uint256 i; i < count; ++i) {
            _requireSigned(roster[i].node, digest, signatures[i]);
        }
    }

    /// @dev Committed, Contestable or Contested.
    function _requireJudged(IScheduler.Job storage job_, IScheduler.SealedSeat[] calldata roster) internal view {
        if (job_.state != IScheduler.State.Contestable && job_.state != IScheduler.State.Contested) {
            _requireState(job_, IScheduler.State.Committed);
        }
        _requireRoster(job_, StatementLib.rosterHash(roster));
    }

    function _seed(bytes32 jobId, uint256 seedBlock) internal view returns (bytes32) {
        if (block.number <= seedBlock) revert IScheduler.SeedNotYet(seedBlock);
        bytes32 entropy = RANDOMNESS.entropyOf(seedBlock);
        if (entropy == 0) revert IScheduler.SeedGone(seedBlock);
        return keccak256(abi.encode(entropy, jobId));
    }

    /// @dev Of the first draw, whether the job is widened or not.
    function _firstSeedBlock(IScheduler.Job storage job_) internal view returns (uint256) {
        return job_.seedBlock - job_.seedsApart;
    }
}
