// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IScheduler} from "./interfaces/IScheduler.sol";
import {DrawLib} from "./libraries/DrawLib.sol";
import {MajorityLib} from "./libraries/MajorityLib.sol";
import {PartyLib} from "./libraries/PartyLib.sol";
import {ReputationLib} from "./libraries/ReputationLib.sol";
import {SeedLib} from "./libraries/SeedLib.sol";
import {SketchLib} from "./libraries/SketchLib.sol";
import {StatementLib} from "./libraries/StatementLib.sol";
import {TermsLib} from "./libraries/TermsLib.sol";

/// @title Scheduler
/// @dev Documentation is in IScheduler. Every function checks, then writes, then emits, then moves coin.
contract Scheduler is IScheduler, EIP712 {
    using SafeERC20 for IERC20;
    using PartyLib for Party;
    using ReputationLib for Party;
    using TermsLib for JobRequest;

    IERC20 public immutable COIN;
    uint256 public immutable SEED_DELAY;
    uint256 public immutable MIN_WINDOW;
    uint256 public immutable MAX_WINDOW;

    uint256 public constant MAX_REPLICAS = TermsLib.MAX_REPLICAS;
    uint256 public constant NO_SHOW_BPS = TermsLib.NO_SHOW_BPS;
    /// Bounds the gas of an assignment.
    uint256 public constant MAX_BIDS = 16;
    address internal constant GRAVE = 0x000000000000000000000000000000000000dEaD;

    // What an ending weighs, in 1/256. Failures weigh more than successes, or cheating every other time would still score 50 %.
    uint256 internal constant AGREED = 256;
    /// Nobody to agree with: the client alone vouches for the node.
    uint256 internal constant AGREED_ALONE = 64;
    uint256 internal constant DEVIATED = 4 * 256;
    uint256 internal constant ABSENT = 2 * 256;
    uint256 internal constant LOST_CONTEST = 8 * 256;
    uint256 internal constant SETTLED_IN_TIME = 256;
    uint256 internal constant CANCELLED_LATE = 256;
    uint256 internal constant SILENT = 4 * 256;
    uint256 internal constant LOST_DISPUTE = 8 * 256;

    /// What the client did wrong.
    enum Fault { None, Silent, Lost }

    /// How a job ends: sets of seats, all committed. Whoever is in none of them deviated.
    struct Ruling {
        uint256 agreed;
        uint256 undecided;
        uint256 absent;
        Fault fault;
    }

    mapping(bytes32 jobId => Job) internal _jobs;
    mapping(bytes32 jobId => mapping(uint256 index => bytes32)) internal _commitments;
    mapping(address account => Party) internal _nodes;
    mapping(address account => Party) internal _clients;

    /// @param coin_ The ERC-20 to settle in; see the assumptions in IScheduler.
    /// @param seedDelay Blocks from submit to the seed's block: 1 where block producers do not play, 10 on Filecoin, where they might.
    /// @param minWindow Seconds: enough for a message to reach the chain through congestion, or parties could be timed out at will.
    /// @param maxWindow Seconds: bounds how long a silent party can keep another's coin locked.
    constructor(IERC20 coin_, uint256 seedDelay, uint256 minWindow, uint256 maxWindow) EIP712("Gadus", "1") {
        require(address(coin_).code.length > 0 && seedDelay > 0 && seedDelay < 256);
        require(minWindow > 0 && minWindow <= maxWindow && maxWindow <= type(uint32).max);
        (COIN, SEED_DELAY, MIN_WINDOW, MAX_WINDOW) = (coin_, seedDelay, minWindow, maxWindow);
    }

    /* PARTIES */

    function register(uint88 amount, bytes calldata profile) external {
        Party storage party = _nodes[msg.sender];
        party.free += amount;
        if (amount > 0 || party.since == 0) party.since = uint32(block.timestamp);
        emit Registered(msg.sender, amount, profile);
        if (amount > 0) COIN.safeTransferFrom(msg.sender, address(this), amount);
    }

    function fund(address account, uint88 amount) external {
        Party storage party = _clients[account];
        party.free += amount;
        if (party.since == 0) party.since = uint32(block.timestamp);
        emit Funded(account, amount);
        COIN.safeTransferFrom(msg.sender, address(this), amount);
    }

    function withdraw(bool asNode, address to, uint88 amount) external {
        (asNode ? _nodes[msg.sender] : _clients[msg.sender]).take(amount);
        emit Withdrawn(msg.sender, asNode, to, amount);
        COIN.safeTransfer(to, amount);
    }

    /* THE LIFE OF A JOB */

    function submit(JobRequest calldata request, bytes calldata signature) external returns (bytes32 jobId) {
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
            COIN.safeTransferFrom(request.client, address(this), missing);
        }
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
        bytes32 reportDigest,
        bytes calldata signature
    ) external {
        (bytes32 jobId, Job storage job_) = _find(request);
        _requireState(job_, State.Committed);
        _requireRoster(job_, StatementLib.rosterHash(roster));
        _notAfter(job_.since + request.settleWindow);
        _authorize(request.client, StatementLib.verdict(jobId, agreed, reportDigest), signature);
        uint16 committed = job_.committed;
        if (agreed & ~committed != 0) revert BadVerdict(agreed, committed);

        job_.agreed = agreed;
        emit VerdictPosted(jobId, agreed, reportDigest);
        if (agreed != committed) _enter(job_, State.Contestable);
        else _finish(jobId, job_, request, roster, Ruling(agreed, 0, 0, Fault.None));
    }

    function contest(
        JobRequest calldata request,
        SealedSeat[] calldata roster,
        Opening calldata opening,
        bytes calldata signature
    ) external {
        (bytes32 jobId, Job storage job_) = _find(request);
        if (job_.state != State.Contested) _requireState(job_, State.Contestable);
        _requireRoster(job_, StatementLib.rosterHash(roster));
        _notAfter(job_.since + request.disputeWindow);
        uint16 bit = _requireOpens(jobId, roster, opening, job_.committed);
        if ((job_.agreed | job_.contested) & bit != 0) revert NotRejected(opening.index);
        address account = roster[opening.index].node;
        _authorize(account, StatementLib.contest(jobId, account), signature);

        _nodes[account].lock(request.maxPrice);
        uint16 opened = job_.opened;
        job_.contested |= bit;
        job_.opened = opened | bit;
        if (job_.state == State.Contestable) _enter(job_, State.Contested);
        emit VerdictContested(jobId, opening.index);
        if (opened & bit == 0) emit SketchOpened(jobId, opening);
    }

    function open(JobRequest calldata request, SealedSeat[] calldata roster, Opening[] calldata openings) external {
        (bytes32 jobId, Job storage job_) = _find(request);
        uint256 start = job_.since;
        if (job_.state != State.Contested) {
            _requireState(job_, State.Committed);
            start += request.settleWindow;
            _after(start);
        }
        _requireRoster(job_, StatementLib.rosterHash(roster));
        _notAfter(start + request.disputeWindow);

        uint16 committed = job_.committed;
        uint16 opened = job_.opened;
        for (uint256 i; i < openings.length; ++i) {
            uint16 bit = _requireOpens(jobId, roster, openings[i], committed);
            // Two carriers may cross.
            if (opened & bit != 0) continue;
            opened |= bit;
            emit SketchOpened(jobId, openings[i]);
        }
        job_.opened = opened;
    }

    function resolve(JobRequest calldata request, SealedSeat[] calldata roster, Opening[] calldata openings) external {
        (bytes32 jobId, Job storage job_) = _find(request);
        State state = job_.state;
        uint256 deadline = job_.since;
        if (state == State.Committed) {
            deadline += request.settleWindow;
            _after(deadline);
        } else if (state != State.Contested) {
            _requireState(job_, State.Contestable);
        }
        _requireRoster(job_, StatementLib.rosterHash(roster));
        (uint16 committed, uint16 opened, uint256 agreed) = (job_.committed, job_.opened, job_.agreed);
        if (opened != committed) _after(deadline + request.disputeWindow);
        uint16 seen;
        for (uint256 i; i < openings.length; ++i) {
            uint16 bit = _requireOpens(jobId, roster, openings[i], committed);
            if (bit <= seen) revert BadOrder();
            seen |= bit;
        }
        if (seen != opened) revert BadOrder();

        Ruling memory ruling;
        if (state == State.Contestable) {
            ruling.agreed = agreed;
        } else {
            ruling.agreed = MajorityLib.majority(openings, Policy(request.policy));
            ruling.undecided = ruling.agreed == 0 ? opened : 0;
            ruling.absent = committed & ~opened;
            if (state == State.Committed) ruling.fault = Fault.Silent;
            else if (ruling.agreed & ~agreed != 0) ruling.fault = Fault.Lost;
        }
        _finish(jobId, job_, request, roster, ruling);
    }

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
            _closeSeat(request, roster[i].node, 0, ReplicaVerdict.Absent, false);
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

    function sketchDistance(bytes calldata a, bytes calldata b) external pure returns (uint256 distance, uint256 strict) {
        return SketchLib.distance(a, b);
    }

    /* CHECKS */

    function _find(JobRequest calldata request) private view returns (bytes32 jobId, Job storage job_) {
        jobId = jobIdOf(request);
        job_ = _jobs[jobId];
    }

    function _requireState(Job storage job_, State expected) private view {
        if (job_.state != expected) revert WrongState(job_.state);
    }

    function _requireRoster(Job storage job_, bytes32 rosterHash) private view {
        if (rosterHash != job_.rosterHash) revert BadRoster();
    }

    /// @dev Returns the bit of the seat that `opening` opens.
    function _requireOpens(bytes32 jobId, SealedSeat[] calldata roster, Opening calldata opening, uint256 committed)
        private
        pure
        returns (uint16 bit)
    {
        uint8 index = opening.index;
        if (index >= roster.length) revert BadIndex(index);
        bit = uint16(1 << index);
        if (committed & bit == 0) revert NotCommitted(index);
        if (StatementLib.sealedHash(jobId, roster[index].node, opening) != roster[index].commitment) revert BadOpening(index);
    }

    /// @dev An empty signature stands for `msg.sender`.
    function _authorize(address party, bytes32 statement, bytes calldata signature) private view {
        if (signature.length == 0) {
            if (msg.sender != party) revert BadSignature(party);
            return;
        }
        (address signer, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(_hashTypedDataV4(statement), signature);
        if (failure != ECDSA.RecoverError.NoError || signer != party) revert BadSignature(party);
    }

    function _notAfter(uint256 deadline) private view {
        if (block.timestamp > deadline) revert TooLate(deadline);
    }

    function _after(uint256 deadline) private view {
        if (block.timestamp <= deadline) revert TooEarly(deadline);
    }

    /* THE DRAW */

    function _seed(bytes32 jobId, uint256 seedBlock) private view returns (bytes32) {
        if (block.number <= seedBlock) revert SeedNotYet(seedBlock);
        bytes32 entropy = SeedLib.entropyOf(seedBlock);
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
            _authorize(last, StatementLib.bid(jobId, bid), bid.signature);
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

    /// @dev Committed, Contestable or Contested -> Settled. Pays, slashes, rates and refunds by the ruling.
    function _finish(
        bytes32 jobId,
        Job storage job_,
        JobRequest calldata request,
        SealedSeat[] calldata roster,
        Ruling memory ruling
    ) private {
        (uint256 committed, uint256 contested) = (job_.committed, job_.contested);
        // What nodes lose: the no-show part for what they did not open, the bond for a contest they lost.
        uint256 slashed = _count(ruling.absent) * request.noShow()
            + _count(contested & ~ruling.agreed & ~ruling.undecided) * request.maxPrice;
        uint256 refund = request.escrow();
        // What goes to the seats the client wronged, and what to nobody.
        uint256 pot;
        uint256 wronged;
        uint256 burnt;
        if (ruling.fault == Fault.None) {
            if (ruling.agreed != 0) refund += slashed;
            else burnt = slashed;
        } else {
            refund -= request.maxPrice;
            pot = request.maxPrice;
            if (ruling.fault == Fault.Lost) {
                pot += slashed;
                wronged = ruling.agreed & ~uint256(job_.agreed);
            } else {
                burnt = slashed;
                wronged = ruling.agreed;
                if (wronged == 0) burnt += pot;
            }
            slashed += request.maxPrice;
        }

        uint256 shares = _count(wronged);
        uint256 verdicts;
        uint256 paid;
        for (uint256 i; i < roster.length; ++i) {
            uint256 bit = 1 << i;
            ReplicaVerdict verdict = ReplicaVerdict.Absent;
            if (committed & bit != 0) {
                uint256 earned;
                if (ruling.agreed & bit != 0) {
                    verdict = ReplicaVerdict.Agreed;
                    earned = roster[i].price;
                    paid += earned;
                    if (wronged & bit != 0) {
                        uint256 share = pot / shares--; // the last one gets what rounding left
                        pot -= share;
                        earned += share;
                    }
                } else if (ruling.undecided & bit != 0) {
                    verdict = ReplicaVerdict.Undecided;
                } else if (ruling.absent & bit == 0) {
                    verdict = ReplicaVerdict.Deviated;
                }
                _closeSeat(request, roster[i].node, earned, verdict, contested & bit != 0);
            }
            verdicts |= uint256(verdict) << (2 * i);
        }
        if (ruling.fault == Fault.None) _closeClient(request, refund - paid, SETTLED_IN_TIME, 0);
        else _closeClient(request, refund - paid, 0, ruling.fault == Fault.Silent ? SILENT : LOST_DISPUTE);
        delete job_.rosterHash;
        _enter(job_, State.Settled);
        emit Settled(jobId, uint32(verdicts), paid, slashed);
        if (burnt > 0) COIN.safeTransfer(GRAVE, burnt);
    }

    /// @dev Open -> Cancelled
    function _cancel(bytes32 jobId, Job storage job_, JobRequest calldata request) private {
        _closeClient(request, request.escrow(), 0, block.number > job_.seedBlock ? CANCELLED_LATE : 0);
        _enter(job_, State.Cancelled);
        emit Cancelled(jobId);
    }

    /// @dev Unlocks a seat's stake and bond, less what it loses, plus what it earned; rates its node.
    function _closeSeat(JobRequest calldata request, address account, uint256 earned, ReplicaVerdict verdict, bool bonded) private {
        uint256 held = request.stake + (bonded ? uint256(request.maxPrice) : 0);
        uint256 lost;
        uint256 good;
        uint256 bad;
        if (verdict == ReplicaVerdict.Agreed) good = request.replicas > 1 ? AGREED : AGREED_ALONE;
        else if (verdict == ReplicaVerdict.Absent) (lost, bad) = (request.noShow(), ABSENT);
        else if (verdict == ReplicaVerdict.Deviated) (lost, bad) = bonded ? (request.maxPrice, LOST_CONTEST) : (0, DEVIATED);
        _nodes[account].close(account, true, held, held + earned - lost, good, bad);
    }

    function _closeClient(JobRequest calldata request, uint256 refund, uint256 good, uint256 bad) private {
        _clients[request.client].close(request.client, false, request.escrow(), refund, good, bad);
    }

    function _enter(Job storage job_, State state) private {
        (job_.state, job_.since) = (state, uint40(block.timestamp));
    }

    /// @dev How many bits are set.
    function _count(uint256 mask) private pure returns (uint256 count) {
        for (; mask != 0; mask &= mask - 1) {
            ++count;
        }
    }
}
