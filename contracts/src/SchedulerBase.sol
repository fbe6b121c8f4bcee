// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IScheduler} from "./interfaces/IScheduler.sol";
import {PartyLib} from "./libraries/PartyLib.sol";
import {StatementLib} from "./libraries/StatementLib.sol";
import {TermsLib} from "./libraries/TermsLib.sol";
import {WalletLib} from "./libraries/WalletLib.sol";

/// @title What the two halves of the scheduler share
/// @dev All storage, the checks that every step begins with, and the ending every job comes to.
abstract contract SchedulerBase is EIP712 {
    using SafeERC20 for IERC20;
    using PartyLib for IScheduler.Party;
    using TermsLib for IScheduler.JobRequest;

    IERC20 public immutable COIN;
    address internal constant GRAVE = 0x000000000000000000000000000000000000dEaD;

    // What an ending weighs, in 1/256. Failures weigh more than successes, or cheating every other time would still score 50 %.
    uint256 internal constant AGREED = 256;
    /// Nobody to agree with: the client alone vouches for the node.
    uint256 internal constant AGREED_ALONE = 64;
    uint256 internal constant DEVIATED = 4 * 256;
    uint256 internal constant ABSENT = 2 * 256;
    uint256 internal constant LOST_CONTEST = 8 * 256;
    uint256 internal constant EQUIVOCATED = 8 * 256;
    uint256 internal constant SETTLED_IN_TIME = 256;
    uint256 internal constant CANCELLED_LATE = 256;
    uint256 internal constant SILENT = 4 * 256;
    uint256 internal constant LOST_DISPUTE = 8 * 256;

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
    mapping(address account => IScheduler.Party) internal _nodes;
    mapping(address account => IScheduler.Party) internal _clients;

    constructor(IERC20 coin_) EIP712("Gadus", "1") {
        COIN = coin_;
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

    /* EDGES */

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

        uint256 shares = _count(wronged);
        uint256 verdicts;
        uint256 paid;
        for (uint256 i; i < roster.length; ++i) {
            uint256 bit = 1 << i;
            IScheduler.ReplicaVerdict verdict = IScheduler.ReplicaVerdict.Absent;
            if (ruling.committed & bit != 0) {
                uint256 earned;
                if (ruling.agreed & bit != 0) {
                    verdict = IScheduler.ReplicaVerdict.Agreed;
                    earned = roster[i].price;
                    paid += earned;
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
                _closeSeat(request, roster[i].node, earned, verdict, contested & bit != 0, equivocated & bit != 0);
            }
            verdicts |= uint256(verdict) << (2 * i);
        }
        if (ruling.fault == Fault.None) _closeClient(request, refund - paid, SETTLED_IN_TIME, 0);
        else _closeClient(request, refund - paid, 0, ruling.fault == Fault.Silent ? SILENT : LOST_DISPUTE);
        delete job_.rosterHash;
        _enter(job_, IScheduler.State.Settled);
        emit IScheduler.Settled(jobId, uint32(verdicts), paid, taken);
        // A coin that will not be burnt cannot hang the job: it stays here, and is nobody's.
        if (burnt > 0) COIN.trySafeTransfer(GRAVE, burnt);
    }

    /// @dev Unlocks a seat's stake and bond, less what it loses, plus what it earned; rates its node.
    function _closeSeat(
        IScheduler.JobRequest calldata request,
        address account,
        uint256 earned,
        IScheduler.ReplicaVerdict verdict,
        bool bonded,
        bool equivocated
    ) internal {
        uint256 held = request.stake + (bonded ? uint256(request.maxPrice) : 0);
        uint256 lost;
        uint256 good;
        uint256 bad;
        if (equivocated) (lost, bad) = (held, EQUIVOCATED);
        else if (verdict == IScheduler.ReplicaVerdict.Agreed) good = request.replicas > 1 ? AGREED : AGREED_ALONE;
        else if (verdict == IScheduler.ReplicaVerdict.Absent) (lost, bad) = (request.noShow(), ABSENT);
        else if (verdict == IScheduler.ReplicaVerdict.Deviated) (lost, bad) = bonded ? (request.maxPrice, LOST_CONTEST) : (0, DEVIATED);
        _nodes[account].close(account, true, held, held + earned - lost, good, bad);
    }

    function _closeClient(IScheduler.JobRequest calldata request, uint256 refund, uint256 good, uint256 bad) internal {
        _clients[request.client].close(request.client, false, request.escrow(), refund, good, bad);
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
