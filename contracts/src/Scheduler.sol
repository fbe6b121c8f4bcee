// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {IRandomness} from "./interfaces/IRandomness.sol";
import {IScheduler} from "./interfaces/IScheduler.sol";
import {PartyLib} from "./libraries/PartyLib.sol";
import {SeatsLib} from "./libraries/SeatsLib.sol";
import {StatementLib} from "./libraries/StatementLib.sol";
import {TermsLib} from "./libraries/TermsLib.sol";
import {Ending} from "./parts/Ending.sol";
import {Ledger} from "./parts/Ledger.sol";
import {Lottery} from "./parts/Lottery.sol";
import {Parties} from "./parts/Parties.sol";
import {Pieces} from "./parts/Pieces.sol";
import {Verdicts} from "./parts/Verdicts.sol";
import {Views} from "./parts/Views.sol";
import {Checks} from "./Checks.sol";
import {Disputes} from "./Disputes.sol";

/// @title Scheduler
/// @dev Documentation is in IScheduler. Every function checks, then writes, then emits, then moves coin. Here is the life of a job that goes as
/// it should; in `parts` what steps have in common; in Disputes and Checks what few jobs need.
contract Scheduler is Parties, Views, Pieces, Lottery, Verdicts, Ending, Multicall {
    using PartyLib for Party;
    using TermsLib for JobRequest;

    uint256 public immutable MIN_WINDOW;
    uint256 public immutable MAX_WINDOW;

    uint256 public constant MAX_REPLICAS = TermsLib.MAX_REPLICAS;
    uint256 public constant NO_SHOW_BPS = TermsLib.NO_SHOW_BPS;
    /// Blocks to post bids in before newcomers are drawn: a message seen in the first can be answered in the second; the third is spare.
    uint256 public constant WIDENING_BLOCKS = TermsLib.WIDENING_BLOCKS;
    uint256 public constant CHECK_BPS = TermsLib.CHECK_BPS;
    uint256 public constant INFORMER_BPS = TermsLib.INFORMER_BPS;

    /// @param coin_ The ERC-20 to settle in; see the assumptions in IScheduler.
    /// @param randomness Where seeds come from: block hashes, or Filecoin's beacon.
    /// @param seedDelay Blocks from submit to the seed's block: 1 where block producers do not play, 10 on Filecoin, where they might.
    /// @param minWindow Seconds: enough for a message to reach the chain through congestion, or parties could be timed out at will.
    /// @param maxWindow Seconds: bounds how long a silent party can keep another's coin locked.
    /// @param disputes The code of disputes and of checks, made with the same coin, randomness and delay.
    constructor(
        IERC20 coin_,
        IRandomness randomness,
        uint256 seedDelay,
        uint256 minWindow,
        uint256 maxWindow,
        Disputes disputes,
        Checks checks
    ) Ledger(coin_, randomness, seedDelay) Pieces(disputes, checks) {
        require(address(coin_).code.length > 0 && address(randomness).code.length > 0 && seedDelay > 0 && seedDelay < 256);
        require(minWindow > 0 && minWindow <= maxWindow && maxWindow <= type(uint32).max);
        (MIN_WINDOW, MAX_WINDOW) = (minWindow, maxWindow);
    }

    function submit(JobRequest calldata request, bytes calldata signature) public returns (bytes32 jobId) {
        bytes32 statement = StatementLib.jobRequest(request);
        jobId = _hashTypedDataV4(statement);
        Job storage job_ = _jobs[jobId];
        _requireState(job_, State.None);
        request.check(MIN_WINDOW, MAX_WINDOW);
        _authorize(request.client, statement, signature);
        uint256 escrow = request.escrow();
        if (escrow > type(uint88).max) revert AmountTooLarge();

        uint256 missing = _lockClient(request.client, escrow);
        uint48 seedBlock = uint48(block.number + SEED_DELAY);
        (job_.state, job_.seedBlock, job_.since) = (State.Open, seedBlock, uint40(block.timestamp));

        emit Submitted(jobId, request.client, request, seedBlock);
        _pullMissing(request.client, missing);
    }

    function submitWithPermit(JobRequest calldata request, bytes calldata signature, Permit calldata permit) external returns (bytes32) {
        try IERC20Permit(address(COIN)).permit(
            request.client, address(this), permit.value, permit.deadline, permit.v, permit.r, permit.s
        ) {} catch {}
        return submit(request, signature);
    }

    function assign(JobRequest calldata request, Bid[] calldata bids, bytes calldata signature) external {
        (bytes32 jobId, Job storage job_) = _find(request);
        _requireState(job_, State.Open);
        _notAfter(job_.since + request.assignWindow);
        _authorize(request.client, signature.length == 0 ? bytes32(0) : StatementLib.assignment(jobId, bids), signature);
        uint256 lastPost = job_.seedBlock + request.bidBlocks;
        if (block.number <= lastPost) revert SeedNotYet(lastPost);
        Seat[] calldata nobody;
        assembly ("memory-safe") {
            nobody.offset := 0
            nobody.length := 0
        }
        emit Assigned(jobId, _assign(jobId, job_, request, nobody, bids));
    }

    function commit(JobRequest calldata request, Seat[] calldata roster, SignedCommitment[] calldata commitments) external {
        (bytes32 jobId, Job storage job_) = _find(request);
        _requireStep(job_, State.Assigned, StatementLib.rosterHash(roster), request.commitWindow);

        uint256 stored = job_.committed;
        uint256 fresh;
        bytes32[] memory all = new bytes32[](roster.length);
        for (uint256 i; i < commitments.length; ++i) {
            (uint8 index, bytes32 commitment) = (commitments[i].index, commitments[i].commitment);
            uint256 bit = SeatsLib.only(index, roster.length);
            if ((stored | fresh) & bit != 0) {
                // A batch and a node's own message may cross.
                if (commitment == (fresh & bit != 0 ? all[index] : _commitments[jobId][index])) continue;
                revert AlreadyCommitted(index);
            }
            address account = roster[index].node;
            _authorize(account, StatementLib.commitment(jobId, account, commitment), commitments[i].signature);
            fresh |= bit;
            all[index] = commitment;
            emit CommitmentPosted(jobId, index, commitment);
        }
        if (stored | fresh == SeatsLib.all(roster.length)) {
            _seal(jobId, job_, roster, all, stored, fresh);
        } else {
            for (uint256 i; i < all.length; ++i) {
                if (fresh >> i & 1 == 1) _commitments[jobId][i] = all[i];
            }
            job_.committed = uint16(stored | fresh);
        }
    }

    function settle(
        JobRequest calldata request,
        SealedSeat[] calldata roster,
        uint16 agreed,
        uint32 shard,
        bytes32 reportDigest,
        bytes calldata signature
    ) external {
        (bytes32 jobId, Job storage job_) = _find(request);
        uint16 committed = job_.committed;
        if (agreed != committed || !_plain(job_)) return _delegate(DISPUTES);
        _requireVerdict(jobId, job_, request, roster, committed, agreed, shard, reportDigest, signature);
        job_.agreed = agreed;
        emit VerdictPosted(jobId, agreed, shard, reportDigest);
        _pay(jobId, job_, request, roster, committed);
    }

    function settleDirect(
        JobRequest calldata request,
        SealedSeat[] calldata roster,
        bytes[] calldata signatures,
        uint16 agreed,
        uint32 shard,
        bytes32 reportDigest,
        bytes calldata signature
    ) external {
        (bytes32 jobId, Job storage job_) = _find(request);
        uint16 committed = SeatsLib.all(roster.length);
        if (agreed != committed || !_plain(job_)) return _delegate(DISPUTES);
        _requireDirect(jobId, job_, request, roster, signatures, committed, agreed, shard, reportDigest, signature);
        _forgetPosted(jobId, job_, roster.length);
        (job_.committed, job_.agreed) = (committed, agreed);
        _pay(jobId, job_, request, roster, committed);
    }

    /// @dev Neither widened nor with a seat that did wrong: such a job's ending is simple, if everybody agreed.
    function _plain(Job storage job_) private view returns (bool) {
        return job_.equivocated == 0 && job_.widening == 0;
    }

    /// @dev Assigned or Committed -> Settled: all that committed agreed.
    function _pay(bytes32 jobId, Job storage job_, JobRequest calldata request, SealedSeat[] calldata roster, uint256 committed) private {
        uint256 verdicts;
        uint256 paid;
        uint256 good = roster.length > 1 ? AGREED : AGREED_ALONE;
        for (uint256 i; i < roster.length; ++i) {
            ReplicaVerdict verdict = ReplicaVerdict.Absent;
            if (committed >> i & 1 == 1) {
                verdict = ReplicaVerdict.Agreed;
                uint256 price = roster[i].price;
                paid += price;
                address account = roster[i].node;
                _nodes[account].close(account, true, request.stake, request.stake + price, good, 0);
            }
            verdicts |= uint256(verdict) << (2 * i);
        }
        uint256 escrow = request.escrow();
        _clients[request.client].close(request.client, false, escrow, escrow - paid, SETTLED_IN_TIME, 0);
        delete job_.rosterHash;
        _enter(job_, State.Settled);
        emit Settled(jobId, uint32(verdicts), paid, 0);
    }

    function multicall(bytes[] calldata data) public override(IScheduler, Multicall) returns (bytes[] memory) {
        return super.multicall(data);
    }
}
