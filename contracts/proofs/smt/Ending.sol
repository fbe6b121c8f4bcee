// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

/// @title The money at the end of a job, reduced to what a solver can prove
/// @dev Ending._finish, _payNewcomers and _closeSeat, Scheduler._pay and Checks._close, in pieces: what one seat is given and loses, what one share
/// of a pot is, and what all of it comes to. Masks are booleans here, one seat at a time; sums over seats are numbers of which only that is
/// assumed which the piece on one seat shows of every summand. Induction over the seats joins the pieces. Every `assert`, and the absence of
/// every over- and underflow, is proven for all values below 2^88; contracts/proofs/smt.ts runs it.
contract Ending {
    enum Fault { None, Silent, Lost }

    /// @dev One seat of a ruling: at most one of the four, and none of the first three where it equivocated (`_finish` clears them).
    struct Seat {
        bool committed;
        bool agreed;
        bool undecided;
        bool absent;
        bool equivocated;
        bool contested;
    }

    function wellFormed(Seat memory s) internal pure {
        require(!(s.agreed && s.undecided) && !(s.agreed && s.absent) && !(s.undecided && s.absent));
        require(!(s.equivocated && (s.agreed || s.undecided || s.absent)));
        require(s.committed || !(s.agreed || s.undecided || s.absent || s.equivocated || s.contested));
    }

    /// @notice One seat of `_finish` with `_closeSeat`: it is given back what it locked, less what it lost, plus what it earned, and what it lost
    /// is what `_finish` counted for it: no more than it locked, and nothing of it twice.
    function seat(Seat memory s, uint88 stake, uint88 maxPrice, uint88 price, uint256 part, bool outvoted, bool heir) external pure {
        wellFormed(s);
        require(maxPrice <= stake && price <= maxPrice && part < 2 ** 89);
        require(s.committed && (!heir || s.agreed));
        uint256 noShow = uint256(stake) * 2500 / 10_000;
        uint256 check = outvoted ? uint256(stake) * 5000 / 10_000 : 0;
        bool deviated = !s.agreed && !s.undecided && !s.absent && !s.equivocated;

        // _finish, before the loop: this seat's summands.
        uint256 slashed = (s.absent ? noShow : 0) + (s.contested && !s.agreed && !s.undecided ? uint256(maxPrice) : 0);
        uint256 pot = s.equivocated ? uint256(stake) : 0;
        uint256 checked = deviated ? check : 0;

        // In the loop.
        uint256 earned;
        if (s.agreed) earned = price;
        if (heir) earned += part;

        // _closeSeat.
        uint256 bond = s.contested ? uint256(maxPrice) : 0;
        uint256 held = uint256(stake) + bond;
        uint256 lost;
        if (s.equivocated) lost = held;
        else if (s.absent) lost = noShow + bond;
        else if (deviated) lost = bond + check;

        assert(lost <= held);
        assert(lost == slashed + pot + checked);
        assert(held + earned - lost + (slashed + pot + checked) == held + (s.agreed ? uint256(price) : 0) + (heir ? part : 0));
    }

    /// @notice One share of a pot: never more than there is, and the last one takes the rest, so that of a pot with heirs nothing is left.
    function share(uint256 pot, uint256 shares) external pure {
        require(shares > 0 && shares <= 15);
        uint256 given = pot / shares--;
        assert(given <= pot);
        uint256 rest = pot - given;
        assert(shares > 0 || rest == 0);
    }

    /// @dev Sums over all seats of a job, each with what `seat` shows of its summands.
    struct Sums {
        /// Stakes and bonds.
        uint256 held;
        /// Prices of the seats that agreed: of the first, and of newcomers.
        uint256 first;
        uint256 newcomers;
        uint256 slashed;
        uint256 forfeited;
        uint256 checked;
    }

    /// @notice `_finish` and `_payNewcomers` from the sums on: what goes out is what was locked, and nothing is below zero.
    /// @param heirs Whether any seat is wronged (`wronged` is not empty): then `share` has given all of the pot away.
    /// @param agreedAny Whether any seat agreed.
    /// @param withReason Whether the caller of a widening has its share of what deviating seats lost.
    function ending(Sums memory s, uint88 maxPrice, uint8 replicas, Fault fault, bool heirs, bool agreedAny, bool widened, bool withReason, bool byClient) external pure {
        require(replicas > 0 && replicas <= 15 && (!widened || replicas <= 7));
        uint256 escrow = (uint256(replicas) + 1) * maxPrice;
        require(escrow < 2 ** 88 && s.held < 2 ** 88 && s.slashed < 2 ** 88 && s.forfeited < 2 ** 88 && s.checked < 2 ** 88);
        require(s.slashed + s.forfeited + s.checked <= s.held);
        require(s.first <= uint256(replicas) * maxPrice && s.newcomers <= escrow);
        require(widened || (s.newcomers == 0 && s.checked == 0));
        require(agreedAny || (s.first == 0 && s.newcomers == 0 && !heirs));
        require(fault == Fault.Lost || heirs == agreedAny);

        uint256 refund = escrow;
        uint256 pot = s.forfeited;
        uint256 burnt;
        uint256 taken = s.slashed + pot;
        if (fault != Fault.None) {
            refund -= maxPrice;
            pot += maxPrice;
            taken += maxPrice;
        }
        if (fault == Fault.Lost) pot += s.slashed;
        else if (fault == Fault.None && heirs) refund += s.slashed;
        else burnt = s.slashed;
        if (!heirs) burnt += pot;
        taken += s.checked;
        uint256 paid = s.first + s.newcomers;

        uint256 locked = escrow;
        refund -= paid - s.newcomers;
        uint256 callers;
        if (widened) {
            uint256 back = escrow - s.newcomers;
            uint256 lost = s.checked;
            if (withReason) {
                uint256 gained = s.newcomers < lost ? s.newcomers : lost;
                uint256 informer = lost * 1000 / 10_000;
                gained += informer < lost - gained ? informer : lost - gained;
                back += gained;
                lost -= gained;
            }
            burnt += lost;
            if (byClient) (refund, locked) = (refund + back, locked + escrow);
            else callers = back;
        }
        uint256 debits = s.held + locked + (widened && !byClient ? escrow : 0);
        // `seat`, summed: what seats get is what they held, their prices, their shares, less what they lost.
        uint256 seats = s.held + paid + (heirs ? pot : 0) - (s.slashed + s.forfeited + s.checked);
        assert(seats + refund + callers + burnt == debits);
        // What the event says was taken is what seats and client lost.
        assert(taken == s.slashed + s.forfeited + s.checked + (fault == Fault.None ? 0 : uint256(maxPrice)));
    }

    /// @notice Scheduler._pay: where all that committed agreed and nobody did wrong. `paid` is the sum of prices, none above maxPrice.
    function pay(uint256 held, uint256 paid, uint88 maxPrice, uint8 replicas) external pure {
        require(replicas > 0 && replicas <= 15 && held < 2 ** 88 && paid <= uint256(replicas) * maxPrice);
        uint256 escrow = (uint256(replicas) + 1) * maxPrice;
        uint256 refund = escrow - paid;
        assert(held + paid + refund == held + escrow);
    }

    /// @notice Checks._close: the absent at the end of the commitments' window.
    function close(uint88 stake, bool claimed) external pure {
        uint256 noShow = uint256(stake) * 2500 / 10_000;
        uint256 burnt = claimed ? uint256(stake) : 0;
        uint256 slashed = claimed ? 0 : noShow;
        uint256 lost = claimed ? uint256(stake) : noShow;
        assert(lost <= stake && uint256(stake) - lost + burnt + slashed == stake);
    }

    /// @notice PartyLib.close: where all that is held is somebody's, what comes back fits its field, and the casts lose nothing.
    function party(uint88 free, uint88 locked, uint88 held, uint256 back, uint256 supply, uint256 others) external pure {
        require(supply < 2 ** 88 && held <= locked && others < 2 ** 88 && back < 2 ** 90);
        // Solvency before: all coin is somebody's; and what comes back was somebody's.
        require(uint256(free) + locked + others <= supply && back <= uint256(held) + others);
        uint88 lockedAfter = locked - held;
        assert(back < 2 ** 88 && uint256(free) + back < 2 ** 88);
        assert(uint256(lockedAfter) + held == locked);
        assert(uint256(free) + back + lockedAfter <= supply + back - held);
    }
}
