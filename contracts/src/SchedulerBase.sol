// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IRandomness} from "./interfaces/IRandomness.sol";
import {IScheduler} from "./interfaces/IScheduler.sol";
import {DrawLib} from "./libraries/DrawLib.sol";
import {PartyLib} from "./libraries/PartyLib.sol";
import {ReputationLib} from "./libraries/ReputationLib.sol";
import {StatementLib} from "./libraries/StatementLib.sol";
import {TermsLib} from "./libraries/TermsLib.sol";
import {WalletLib} from "./libraries/WalletLib.sol";

/// @title What the two halves of the scheduler share
/// @dev All storage, the checks that every step begins with, and the ending every job comes to.
abstract contract SchedulerBase is EIP712 {
    using SafeERC20 for IERC20;
    using PartyLib for IScheduler.Party;
    using ReputationLib for IScheduler.Party;
    using TermsLib for IScheduler.JobRequest;

    IERC20 public immutable COIN;
    IRandomness public immutable RANDOMNESS;
    uint256 public immutable SEED_DELAY;
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
    uint256 internal constant LOST_CHECK = 8 * 256;
    uint256 internal constant EQUIVOCATED = 8 * 256;
    uint256 internal constant SETTLED_IN_TIME = 256;
    uint256 internal constant CANCELLED_LATE = 256;
    uint256 internal constant SILENT = 4 * 256;
    uint256 internal constant LOST_DISPUTE = 8 * 256;

    /// Key of a bid that does not count: larger than any.
    uint256 internal constant PASSED_OVER = type(uint256).max;
    /// Who called for a widening: the client, or a seat by its number.
    uint256 internal constant CLIENT = 1;
    uint256 internal constant FIRST_SEAT = 2;
    uint256 internal constant LAPSED = 128;

    /// What the client did wrong.
    enum Fault { None, Silent, Lost }

    /// How a job ends, in sets of seats. Whoever committed and is in none of the others deviated.
    struct Ruling {
        uint256 committed;
        uint256 agreed;
        uint256 undecided;
        uint256 absent;
        Fault fault;
    }

    mapping(bytes32 jobId => IScheduler.Job) internal _jobs;
    mapping(bytes32 jobId => mapping(uint256 index => bytes32)) internal _commitments;
    /// Kept posted bids: the key, shortened to 32 bits; the first 112 bits of the node's address; 112 bits of the hash of the terms.
    mapping(bytes32 jobId => mapping(uint256 place => uint256)) internal _posted;
    mapping(address account => IScheduler.Party) internal _nodes;
    mapping(address account => IScheduler.Party) internal _clients;

    /// @dev Of one draw: for what, among whom, and which keys count.
    struct Draw {
        bytes32 jobId;
        bytes32 seed;
        /// 0 for the first, 1 for newcomers.
        uint8 round;
        uint256 seats;
        /// Unix second after which no stake was deposited that counts.
        uint256 since;
        uint256 reach;
        /// How many posted bids are kept.
        uint256 posted;
    }

    constructor(IERC20 coin_, IRandomness randomness, uint256 seedDelay) EIP712("Gadus", "1") {
        (COIN, RANDOMNESS, SEED_DELAY) = (coin_, randomness, seedDelay);
    }

    /* CHECKS */

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

    function _authorize(address party, bytes32 statement, bytes calldata signature) internal view {
        if (signature.length == 0 && msg.sender == party) return;
        _requireSigned(party, _hashTypedDataV4(statement), signature);
    }

    /// @dev An empty signature stands for `msg.sender`.
    function _requireSigned(address party, bytes32 digest, bytes calldata signature) internal view {
        if (signature.length == 0 && msg.sender == party) return;
        (address signer, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (failure == ECDSA.RecoverError.NoError && signer == party) return;
        if (!WalletLib.approves(party, digest, signature)) revert IScheduler.BadSignature(party);
    }

    function _notAfter(uint256 deadline) internal view {
        if (block.timestamp > deadline) revert IScheduler.TooLate(deadline);
    }

    function _after(uint256 deadline) internal view {
        if (block.timestamp <= deadline) revert IScheduler.TooEarly(deadline);
    }

    /// @dev Committed, Contestable or Contested.
    function _requireJudged(IScheduler.Job storage job_, IScheduler.SealedSeat[] calldata roster) internal view {
        if (job_.state != IScheduler.State.Contestable && job_.state != IScheduler.State.Contested) {
            _requireState(job_, IScheduler.State.Committed);
        }
        _requireRoster(job_, StatementLib.rosterHash(roster));
    }

    /* THE DRAW */

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

    /// @dev The draw of an Open job, or of one in Widening.
    /// @param posting Whether for a bid to be posted, not for the draw itself.
    function _drawOf(bytes32 jobId, IScheduler.Job storage job_, IScheduler.JobRequest calldata request, bool posting)
        internal
        view
        returns (Draw memory)
    {
        uint256 since = job_.since;
        uint256 elapsed = block.timestamp - since;
        bool widening = job_.state == IScheduler.State.Widening;
        return Draw({
            jobId: jobId,
            seed: _seed(jobId, job_.seedBlock),
            round: widening ? 1 : 0,
            seats: widening ? uint256(request.replicas) + 1 : request.replicas,
            since: since,
            // Without a bound still short of the key of a bid to pass over.
            reach: Math.min(posting ? request.reachAfter(elapsed) : request.drawnAfter(elapsed), PASSED_OVER - 1),
            posted: job_.posted
        });
    }

    /// @dev Places of the winners among the bids, in the low byte, best first.
    /// @param taken Seats whose nodes win no other.
    function _draw(IScheduler.JobRequest calldata request, IScheduler.Seat[] calldata taken, IScheduler.Bid[] calldata bids, Draw memory draw)
        internal
        view
        returns (uint256[] memory best)
    {
        if (bids.length > MAX_BIDS) revert IScheduler.TooManyBids(bids.length);
        best = new uint256[](draw.seats);
        uint256 eligible;
        uint256 leftOut = (1 << draw.posted) - 1;
        address last;
        for (uint256 i; i < bids.length; ++i) {
            IScheduler.Bid calldata bid = bids[i];
            if (bid.node <= last) revert IScheduler.BadOrder();
            last = bid.node;
            uint256 place = leftOut == 0 ? draw.posted : _placeOf(draw, bid, true);
            if (place < draw.posted) leftOut &= ~(1 << place);
            else _authorize(last, StatementLib.bid(draw.jobId, bid, draw.seed, draw.round), bid.signature);
            uint256 key = _keyOf(request, taken, bid, draw);
            if (key <= draw.reach) DrawLib.enter(best, eligible++, key, i);
        }
        for (uint256 i; leftOut != 0; ++i) {
            if (leftOut >> i & 1 == 1) revert IScheduler.BidLeftOut(bytes14(uint112(_posted[draw.jobId][i] >> 112)));
        }
        if (eligible < best.length) revert IScheduler.NotEnoughBids(eligible, best.length);
    }

    /// @dev Where the bid of this node, and with these terms, is kept; `posted` where it is not.
    function _placeOf(Draw memory draw, IScheduler.Bid calldata bid, bool terms) internal view returns (uint256 place) {
        uint256 kept = _kept(bid);
        uint256 ignored = terms ? 0 : 112;
        for (; place < draw.posted; ++place) {
            if (uint224(_posted[draw.jobId][place]) >> ignored == kept >> ignored) break;
        }
    }

    /// @dev A bid as it is kept, without its key.
    function _kept(IScheduler.Bid calldata bid) internal pure returns (uint256) {
        bytes32 terms = keccak256(abi.encode(bid.node, bid.price, bid.locality, bid.possession));
        return uint256(uint112(bytes14(bytes20(bid.node)))) << 112 | uint112(uint256(terms));
    }

    /// @dev PASSED_OVER for a bid that does not count.
    function _keyOf(IScheduler.JobRequest calldata request, IScheduler.Seat[] calldata taken, IScheduler.Bid calldata bid, Draw memory draw)
        internal
        view
        returns (uint256)
    {
        address account = bid.node;
        for (uint256 i; i < taken.length; ++i) {
            if (taken[i].node == account) return PASSED_OVER;
        }
        IScheduler.Party memory party = _nodes[account];
        if (party.since == 0 || party.since > draw.since || party.free < request.stake) return PASSED_OVER;
        uint256 locality = bid.locality;
        if (bid.price > request.maxPrice || locality > TermsLib.BPS) return PASSED_OVER;
        uint256 score = party.scoreAt(block.timestamp / 1 days);
        if (score < request.minScore) return PASSED_OVER;
        if (bid.possession == 0 || request.dataRoot == 0) locality = 0;
        return DrawLib.key(
            draw.seed, account, DrawLib.weight(uint256(party.free) + party.locked, score, locality, bid.price, request.maxPrice)
        );
    }

    /* EDGES */

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
        return job_.widening == 0 && request.replicas <= TermsLib.MAX_WIDENED && job_.committed == _all(request.replicas)
            && request.policy != uint8(IScheduler.Policy.None);
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

    function _enter(IScheduler.Job storage job_, IScheduler.State state) internal {
        (job_.state, job_.since) = (state, uint40(block.timestamp));
    }

    /// @dev Lets the set take the place of whatever was posted one by one.
    function _post(bytes32 jobId, IScheduler.Job storage job_, IScheduler.SealedSeat[] calldata roster, bytes32 setDigest) internal {
        _forgetPosted(jobId, job_, roster.length);
        job_.rosterHash = setDigest;
        job_.committed = _all(roster.length);
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

    /// @dev Assigned, Committed, Contestable or Contested -> Settled. Pays, slashes, rates and refunds by the ruling.
    function _finish(
        bytes32 jobId,
        IScheduler.Job storage job_,
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        Ruling memory ruling
    ) internal {
        (uint256 contested, uint256 equivocated) = (job_.contested, job_.equivocated);
        (ruling.agreed, ruling.undecided) = (ruling.agreed & ~equivocated, ruling.undecided & ~equivocated);
        ruling.absent &= ~equivocated;
        uint256 deviated = ruling.committed & ~(ruling.agreed | ruling.undecided | ruling.absent | equivocated);
        // What nodes lose: the no-show part for what they did not open, the bond for a contest they lost.
        uint256 slashed = _count(ruling.absent) * request.noShow()
            + _count(contested & ~ruling.agreed & ~ruling.undecided) * request.maxPrice;
        uint256 refund = request.escrow();
        // What goes to wronged seats, and what to nobody. The stake of those who signed twice never goes to the client: it may be their friend.
        uint256 pot = _count(equivocated) * request.stake;
        uint256 wronged = ruling.agreed;
        uint256 burnt;
        uint256 taken = slashed + pot;
        if (ruling.fault != Fault.None) {
            refund -= request.maxPrice;
            pot += request.maxPrice;
            taken += request.maxPrice;
        }
        if (ruling.fault == Fault.Lost) {
            pot += slashed;
            wronged &= ~uint256(job_.agreed);
        } else if (ruling.fault == Fault.None && wronged != 0) {
            refund += slashed;
        } else {
            burnt = slashed;
        }
        if (wronged == 0) burnt += pot;

        // What each deviating seat of a widened job loses besides, if it was outvoted.
        uint256 check;
        if (roster.length > request.replicas && _count(ruling.agreed) > _count(deviated)) check = request.check();
        taken += check * _count(deviated);
        uint256 shares = _count(wronged);
        uint256 verdicts;
        uint256 paid;
        uint256 newcomers;
        for (uint256 i; i < roster.length; ++i) {
            uint256 bit = 1 << i;
            IScheduler.ReplicaVerdict verdict = IScheduler.ReplicaVerdict.Absent;
            if (ruling.committed & bit != 0) {
                uint256 earned;
                if (ruling.agreed & bit != 0) {
                    verdict = IScheduler.ReplicaVerdict.Agreed;
                    earned = roster[i].price;
                    paid += earned;
                    if (i >= request.replicas) newcomers += earned;
                    if (pot != 0 && wronged & bit != 0) {
                        uint256 share = pot / shares--; // the last one gets what rounding left
                        pot -= share;
                        earned += share;
                    }
                } else if (ruling.undecided & bit != 0) {
                    verdict = IScheduler.ReplicaVerdict.Undecided;
                } else if (ruling.absent & bit == 0) {
                    verdict = IScheduler.ReplicaVerdict.Deviated;
                }
                uint256 good = ruling.agreed & bit == 0 ? 0 : roster.length > 1 ? AGREED : AGREED_ALONE;
                _closeSeat(request, roster[i].node, earned, verdict, contested & bit != 0, equivocated & bit != 0, good, check);
            }
            verdicts |= uint256(verdict) << (2 * i);
        }
        uint256 held = request.escrow();
        refund -= paid - newcomers;
        if (roster.length > request.replicas) {
            (uint256 back, uint256 locked, uint256 lost) =
                _payNewcomers(job_.widening, request, roster, ruling, newcomers, check * _count(deviated));
            (refund, held, burnt) = (refund + back, held + locked, burnt + lost);
        }
        uint256 bad = ruling.fault == Fault.None ? 0 : ruling.fault == Fault.Silent ? SILENT : LOST_DISPUTE;
        _clients[request.client].close(request.client, false, held, refund, bad == 0 ? SETTLED_IN_TIME : 0, bad);
        delete job_.rosterHash;
        _enter(job_, IScheduler.State.Settled);
        emit IScheduler.Settled(jobId, uint32(verdicts), paid, taken);
        _burn(burnt);
    }

    /// @dev Pays the newcomers of a widened job out of the caller's lock. What deviating seats lost goes to the caller, for that and a tenth
    /// besides, unless it called in vain. Returns what the client gets back of its lock, what its lock was, and what is burnt.
    function _payNewcomers(
        uint256 caller,
        IScheduler.JobRequest calldata request,
        IScheduler.SealedSeat[] calldata roster,
        Ruling memory ruling,
        uint256 cost,
        uint256 lost
    ) private returns (uint256 back, uint256 locked, uint256 burnt) {
        locked = request.escrow();
        back = locked - cost;
        burnt = lost;
        if (caller == CLIENT ? ruling.fault == Fault.None : ruling.agreed >> (caller - FIRST_SEAT) & 1 == 1) {
            uint256 gained = cost < lost ? cost : lost;
            uint256 share = lost * TermsLib.INFORMER_BPS / TermsLib.BPS;
            gained += share < lost - gained ? share : lost - gained;
            back += gained;
            burnt -= gained;
        }
        if (caller != CLIENT) {
            address account = roster[caller - FIRST_SEAT].node;
            _nodes[account].close(account, true, locked, back, 0, 0);
            (back, locked) = (0, 0);
        }
    }

    /// @dev Unlocks a seat's stake and bond, less what it loses, plus what it earned; rates its node.
    /// @param good Rating of one that agreed.
    /// @param check What one loses that deviated, besides its bond.
    function _closeSeat(
        IScheduler.JobRequest calldata request,
        address account,
        uint256 earned,
        IScheduler.ReplicaVerdict verdict,
        bool bonded,
        bool equivocated,
        uint256 good,
        uint256 check
    ) internal {
        uint256 bond = bonded ? uint256(request.maxPrice) : 0;
        uint256 held = request.stake + bond;
        uint256 lost;
        uint256 bad;
        if (equivocated) (lost, bad) = (held, EQUIVOCATED);
        else if (verdict == IScheduler.ReplicaVerdict.Absent) (lost, bad) = (request.noShow() + bond, ABSENT);
        else if (verdict == IScheduler.ReplicaVerdict.Deviated) (lost, bad) = (bond + check, check != 0 ? LOST_CHECK : bonded ? LOST_CONTEST : DEVIATED);
        _nodes[account].close(account, true, held, held + earned - lost, good, bad);
    }

    /* COIN */

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

    /// @dev The set of all seats.
    function _all(uint256 seats) internal pure returns (uint16) {
        return uint16((1 << seats) - 1);
    }

    /// @dev How many bits are set.
    function _count(uint256 mask) internal pure returns (uint256 count) {
        for (; mask != 0; mask &= mask - 1) {
            ++count;
        }
    }
}
