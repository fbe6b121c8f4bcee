// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {IRandomness} from "./interfaces/IRandomness.sol";
import {IScheduler} from "./interfaces/IScheduler.sol";
import {DrawLib} from "./libraries/DrawLib.sol";
import {PartyLib} from "./libraries/PartyLib.sol";
import {ReputationLib} from "./libraries/ReputationLib.sol";
import {StatementLib} from "./libraries/StatementLib.sol";
import {TermsLib} from "./libraries/TermsLib.sol";
import {Disputes} from "./Disputes.sol";
import {SchedulerBase} from "./SchedulerBase.sol";

/// @title Scheduler
/// @dev Documentation is in IScheduler. Every function checks, then writes, then emits, then moves coin.
contract Scheduler is IScheduler, SchedulerBase, Multicall {
    using SafeERC20 for IERC20;
    using PartyLib for Party;
    using ReputationLib for Party;
    using TermsLib for JobRequest;

    IRandomness public immutable RANDOMNESS;
    /// The code of the steps that few jobs need.
    Disputes public immutable DISPUTES;
    uint256 public immutable SEED_DELAY;
    uint256 public immutable MIN_WINDOW;
    uint256 public immutable MAX_WINDOW;

    uint256 public constant MAX_REPLICAS = TermsLib.MAX_REPLICAS;
    uint256 public constant NO_SHOW_BPS = TermsLib.NO_SHOW_BPS;
    /// Bounds the gas of an assignment.
    uint256 public constant MAX_BIDS = 16;
    /// Blocks to post bids in before newcomers are drawn: a message seen in the first can be answered in the second; the third is spare.
    uint256 public constant WIDENING_BLOCKS = TermsLib.WIDENING_BLOCKS;
    uint256 public constant CHECK_BPS = TermsLib.CHECK_BPS;
    uint256 public constant INFORMER_BPS = TermsLib.INFORMER_BPS;

    /// @param coin_ The ERC-20 to settle in; see the assumptions in IScheduler.
    /// @param randomness Where seeds come from: block hashes, or Filecoin's beacon.
    /// @param seedDelay Blocks from submit to the seed's block: 1 where block producers do not play, 10 on Filecoin, where they might.
    /// @param minWindow Seconds: enough for a message to reach the chain through congestion, or parties could be timed out at will.
    /// @param maxWindow Seconds: bounds how long a silent party can keep another's coin locked.
    constructor(IERC20 coin_, IRandomness randomness, uint256 seedDelay, uint256 minWindow, uint256 maxWindow) SchedulerBase(coin_) {
        require(address(coin_).code.length > 0 && address(randomness).code.length > 0 && seedDelay > 0 && seedDelay < 256);
        require(minWindow > 0 && minWindow <= maxWindow && maxWindow <= type(uint32).max);
        (RANDOMNESS, DISPUTES) = (randomness, new Disputes(coin_));
        (SEED_DELAY, MIN_WINDOW, MAX_WINDOW) = (seedDelay, minWindow, maxWindow);
    }

    /* PARTIES */

    function register(uint88 amount, bytes calldata profile) external {
        Party storage party = _nodes[msg.sender];
        party.free += amount;
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

    /* THE LIFE OF A JOB */

    function submit(JobRequest calldata request, bytes calldata signature) public returns (bytes32 jobId) {
        bytes32 statement = StatementLib.jobRequest(request);
        jobId = _hashTypedDataV4(statement);
        Job storage job_ = _jobs[jobId];
        _requireState(job_, State.None);
        request.check(MIN_WINDOW, MAX_WINDOW);
        _authorize(request.client, statement, signature);
        uint256 escrow = request.escrow();
        if (escrow > type(uint88).max) revert AmountTooLarge();

        Party memory party = _clients[request.client];
        uint256 missing = escrow > party.free ? escrow - party.free : 0;
        party.free = uint88(party.free + missing - escrow);
        party.locked += uint88(escrow);
        if (party.since == 0) party.since = uint32(block.timestamp);
        _clients[request.client] = party;
        uint48 seedBlock = uint48(block.number + SEED_DELAY);
        (job_.state, job_.seedBlock, job_.since) = (State.Open, seedBlock, uint40(block.timestamp));

        emit Submitted(jobId, request.client, request, seedBlock);
        if (missing > 0) {
            emit Funded(request.client, uint88(missing));
            _pull(request.client, missing);
        }
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
        uint256 submitted = job_.since;
        _notAfter(submitted + request.assignWindow);
        _authorize(request.client, signature.length == 0 ? bytes32(0) : StatementLib.assignment(jobId, bids), signature);
        Seat[] memory roster = _draw(jobId, request, bids, _seed(jobId, job_.seedBlock), submitted);

        for (uint256 i; i < roster.length; ++i) {
            _nodes[roster[i].node].lock(request.stake);
        }
        job_.rosterHash = keccak256(abi.encode(roster));
        _enter(job_, State.Assigned);
        emit Assigned(jobId, roster);
    }

    function commit(JobRequest calldata request, Seat[] calldata roster, SignedCommitment[] calldata commitments) external {
        (bytes32 jobId, Job storage job_) = _find(request);
        _requireState(job_, State.Assigned);
        _requireRoster(job_, StatementLib.rosterHash(roster));
        _notAfter(job_.since + request.commitWindow);

        uint256 stored = job_.committed;
        uint256 fresh;
        bytes32[] memory all = new bytes32[](roster.length);
        for (uint256 i; i < commitments.length; ++i) {
            (uint8 index, bytes32 commitment) = (commitments[i].index, commitments[i].commitment);
            if (index >= roster.length) revert BadIndex(index);
            uint256 bit = 1 << index;
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
        if (stored | fresh == (1 << roster.length) - 1) {
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
        _requireState(job_, State.Committed);
        bytes32 setDigest = StatementLib.rosterHash(roster);
        _requireRoster(job_, setDigest);
        _notAfter(job_.since + request.settleWindow);
        _authorize(request.client, StatementLib.verdict(jobId, setDigest, agreed, shard, reportDigest), signature);
        (uint16 committed, uint16 equivocated) = (job_.committed, job_.equivocated);
        if (agreed & ~committed != 0) revert BadVerdict(agreed, committed);

        job_.agreed = agreed;
        emit VerdictPosted(jobId, agreed, shard, reportDigest);
        if (agreed | equivocated != committed) _enter(job_, State.Contestable);
        else _finish(jobId, job_, request, roster, Ruling(committed, agreed, 0, 0, Fault.None));
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
        _requireState(job_, State.Assigned);
        _requireRoster(job_, StatementLib.seatsHash(roster));
        _notAfter(job_.since + request.commitWindow);
        bytes32 setDigest = _requireSet(jobId, roster, signatures);
        _authorize(request.client, StatementLib.verdict(jobId, setDigest, agreed, shard, reportDigest), signature);
        uint16 committed = _all(roster.length);
        if (agreed & ~committed != 0) revert BadVerdict(agreed, committed);

        if (agreed == committed) {
            _forgetPosted(jobId, job_, roster.length);
            (job_.committed, job_.agreed) = (committed, agreed);
            _finish(jobId, job_, request, roster, Ruling(committed, agreed, 0, 0, Fault.None));
        } else {
            _post(jobId, job_, roster, setDigest);
            job_.agreed = agreed;
            emit VerdictPosted(jobId, agreed, shard, reportDigest);
            _enter(job_, State.Contestable);
        }
    }

    /* DISPUTES */

    function commitSet(JobRequest calldata, SealedSeat[] calldata, bytes32[] calldata, bytes[] calldata) external {
        _delegate();
    }

    function proveEquivocation(JobRequest calldata, SealedSeat[] calldata, uint8, Pledge calldata, Pledge calldata) external {
        _delegate();
    }

    function proveFalseClaim(JobRequest calldata, SealedSeat[] calldata, uint8, Bid calldata, bytes[] calldata, bytes32[][] calldata) external {
        _delegate();
    }

    function contest(JobRequest calldata, SealedSeat[] calldata, Opening calldata, bytes calldata) external {
        _delegate();
    }

    function open(JobRequest calldata, SealedSeat[] calldata, Opening[] calldata) external {
        _delegate();
    }

    function resolve(JobRequest calldata, SealedSeat[] calldata, Opening[] calldata) external {
        _delegate();
    }

    function postBids(JobRequest calldata, Seat[] calldata, Bid[] calldata) external {
        _delegate();
    }

    function audit(JobRequest calldata, SealedSeat[] calldata, bytes32, uint16, bytes calldata) external {
        _delegate();
    }

    function summon(JobRequest calldata, SealedSeat[] calldata, Opening[] calldata, address, bytes calldata) external {
        _delegate();
    }

    function drawMore(JobRequest calldata, Seat[] calldata, Bid[] calldata) external {
        _delegate();
    }

    function multicall(bytes[] calldata data) public override(IScheduler, Multicall) returns (bytes[] memory) {
        return super.multicall(data);
    }

    /// @dev Runs the same function of `DISPUTES` on this contract's storage.
    function _delegate() private {
        address disputes = address(DISPUTES);
        assembly ("memory-safe") {
            let p := mload(0x40)
            calldatacopy(p, 0, calldatasize())
            if iszero(delegatecall(gas(), disputes, p, calldatasize(), 0, 0)) {
                returndatacopy(p, 0, returndatasize())
                revert(p, returndatasize())
            }
        }
    }

    /* DEADLINES */

    function expire(JobRequest calldata request, Seat[] calldata roster) external {
        (bytes32 jobId, Job storage job_) = _find(request);
        if (job_.state == State.Open) {
            _after(job_.since + request.assignWindow);
            return _cancel(jobId, job_, request);
        }
        _requireState(job_, State.Assigned);
        _requireRoster(job_, StatementLib.rosterHash(roster));
        _after(job_.since + request.commitWindow);

        uint256 committed = job_.committed;
        uint256 slashed;
        for (uint256 i; i < roster.length; ++i) {
            if (committed >> i & 1 == 1) continue;
            slashed += request.noShow();
            _closeSeat(request, roster[i].node, 0, ReplicaVerdict.Absent, false, false);
        }
        if (committed != 0) {
            _clients[request.client].free += uint88(slashed);
            _seal(jobId, job_, roster, new bytes32[](roster.length), committed, 0);
        } else {
            _closeClient(request, request.escrow() + slashed, 0, 0);
            delete job_.rosterHash;
            _enter(job_, State.Expired);
            emit Expired(jobId);
        }
    }

    function cancel(JobRequest calldata request, bytes calldata signature) external {
        (bytes32 jobId, Job storage job_) = _find(request);
        _requireState(job_, State.Open);
        _authorize(request.client, StatementLib.cancel(jobId), signature);
        _cancel(jobId, job_, request);
    }

    /* VIEWS */

    function coin() external view returns (address) {
        return address(COIN);
    }

    function jobIdOf(JobRequest calldata request) public view returns (bytes32) {
        return _hashTypedDataV4(StatementLib.jobRequest(request));
    }

    function job(bytes32 jobId) external view returns (Job memory) {
        return _jobs[jobId];
    }

    function seedOf(bytes32 jobId) external view returns (bytes32) {
        return _seed(jobId, _jobs[jobId].seedBlock);
    }

    function reachOf(JobRequest calldata request, uint256 elapsed) external pure returns (uint256) {
        return request.reachAfter(elapsed);
    }

    function commitmentAt(bytes32 jobId, uint8 index) external view returns (bytes32) {
        return _commitments[jobId][index];
    }

    function node(address account) external view returns (Party memory) {
        return _nodes[account];
    }

    function client(address account) external view returns (Party memory) {
        return _clients[account];
    }

    function scoreOf(address account, bool asNode) external view returns (uint256) {
        Party memory party = asNode ? _nodes[account] : _clients[account];
        return party.scoreAt(block.timestamp / 1 days);
    }

    function sketchDistance(bytes calldata a, bytes calldata b) external view returns (uint256 distance, uint256 strict) {
        return DISPUTES.sketchDistance(a, b);
    }

    /// @dev Takes coin, all of it.
    function _pull(address from, uint256 amount) private {
        uint256 before = COIN.balanceOf(address(this));
        COIN.safeTransferFrom(from, address(this), amount);
        uint256 received = COIN.balanceOf(address(this)) - before;
        if (received != amount) revert CoinShort(received, amount);
    }

    /* THE DRAW */

    function _seed(bytes32 jobId, uint256 seedBlock) private view returns (bytes32) {
        if (block.number <= seedBlock) revert SeedNotYet(seedBlock);
        bytes32 entropy = RANDOMNESS.entropyOf(seedBlock);
        if (entropy == 0) revert SeedGone(seedBlock);
        return keccak256(abi.encode(entropy, jobId));
    }

    function _draw(bytes32 jobId, JobRequest calldata request, Bid[] calldata bids, bytes32 seed, uint256 submitted)
        private
        view
        returns (Seat[] memory roster)
    {
        if (bids.length > MAX_BIDS) revert TooManyBids(bids.length);
        uint256[] memory best = new uint256[](request.replicas);
        uint256 eligible;
        address last;
        for (uint256 i; i < bids.length; ++i) {
            Bid calldata bid = bids[i];
            if (bid.node <= last) revert BadOrder();
            last = bid.node;
            _authorize(last, StatementLib.bid(jobId, bid, seed, 0), bid.signature);
            uint256 weight = _weight(request, bid, submitted);
            if (weight != 0) DrawLib.enter(best, eligible++, DrawLib.key(seed, last, weight), i);
        }
        if (eligible < best.length) revert NotEnoughBids(eligible, best.length);
        roster = new Seat[](best.length);
        for (uint256 i; i < best.length; ++i) {
            Bid calldata bid = bids[uint8(best[i])];
            roster[i] = Seat(bid.node, bid.price);
        }
    }

    /// @dev Zero for a bid to pass over.
    function _weight(JobRequest calldata request, Bid calldata bid, uint256 submitted) private view returns (uint256) {
        Party memory party = _nodes[bid.node];
        if (party.since == 0 || party.since > submitted || party.free < request.stake) return 0;
        if (bid.price > request.maxPrice || bid.locality > TermsLib.BPS) return 0;
        uint256 score = party.scoreAt(block.timestamp / 1 days);
        if (score < request.minScore) return 0;
        return DrawLib.weight(uint256(party.free) + party.locked, score, bid.locality, bid.price, request.maxPrice);
    }

    /* EDGES */

    /// @dev Assigned -> Committed. Folds the commitments, those in `stored` from their slots and those in `fresh` from `all`, into the roster.
    function _seal(
        bytes32 jobId,
        Job storage job_,
        Seat[] calldata roster,
        bytes32[] memory all,
        uint256 stored,
        uint256 fresh
    ) private {
        for (uint256 i; i < all.length; ++i) {
            if (stored >> i & 1 == 0) continue;
            all[i] = _commitments[jobId][i];
            delete _commitments[jobId][i];
        }
        job_.rosterHash = StatementLib.sealedRosterHash(roster, all);
        job_.committed = uint16(stored | fresh);
        _enter(job_, State.Committed);
        emit CommitmentsClosed(jobId, uint16(stored | fresh));
    }

    /// @dev Open -> Cancelled
    function _cancel(bytes32 jobId, Job storage job_, JobRequest calldata request) private {
        _closeClient(request, request.escrow(), 0, block.number > job_.seedBlock ? CANCELLED_LATE : 0);
        _enter(job_, State.Cancelled);
        emit Cancelled(jobId);
    }
}
