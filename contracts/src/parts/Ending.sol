// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IScheduler} from "../interfaces/IScheduler.sol";
import {PartyLib} from "../libraries/PartyLib.sol";
import {SeatsLib} from "../libraries/SeatsLib.sol";
import {TermsLib} from "../libraries/TermsLib.sol";
import {Edges} from "./Edges.sol";

/// @title Who gets what when a job ends
abstract contract Ending is Edges {
    using PartyLib for IScheduler.Party;
    using TermsLib for IScheduler.JobRequest;

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
        uint256 slashed = SeatsLib.count(ruling.absent) * request.noShow()
            + SeatsLib.count(contested & ~ruling.agreed & ~ruling.undecided) * request.maxPrice;
        uint256 refund = request.escrow();
        // What goes to wronged seats, and what to nobody. The stake of those who signed twice never goes to the client: it may be their friend.
        uint256 pot = SeatsLib.count(equivocated) * request.stake;
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
        if (roster.length > request.replicas && SeatsLib.count(ruling.agreed) > SeatsLib.count(deviated)) check = request.check();
        taken += check * SeatsLib.count(deviated);
        uint256 shares = SeatsLib.count(wronged);
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
                _payNewcomers(job_.widening, request, roster, ruling, newcomers, check * SeatsLib.count(deviated));
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
}
