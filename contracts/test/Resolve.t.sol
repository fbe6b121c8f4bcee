// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

contract ResolveTest is Life {
    /// @dev A dispute from commitments to the end. Masks of seats; amounts in whole coins: price 10, bond 10, no-show 12.
    struct Case {
        uint8 replicas;
        uint256 committed;
        bool silent;
        uint256 agreed;
        uint256 contested;
        uint256 opened;
        uint16[] tones;
    }

    uint88 internal constant STAKE_48 = 48e18;
    /// A tone that is unlike 0.
    uint16 internal constant FAR = 30_000;

    function play(Case memory c, IScheduler.Policy policy) internal returns (Play memory p) {
        IScheduler.JobRequest memory request = aRequest(c.replicas);
        (request.stake, request.policy) = (STAKE_48, uint8(policy));
        p = submitted(request);
        vm.roll(vm.getBlockNumber() + 2);
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](c.replicas);
        for (uint256 i; i < c.replicas; ++i) bids[i] = aBid(keys[i], p.jobId, PRICE);
        assigned(p, bids);
        committedAfterWindow(p, c.committed, c.tones);
        finish(p, c);
    }

    function finish(Play memory p, Case memory c) internal {
        if (c.silent) {
            skip(p.request.settleWindow + 1);
            opened(p, c.opened);
            if (c.opened != c.committed) skip(p.request.disputeWindow);
        } else {
            settled(p, uint16(c.agreed));
            for (uint8 i; i < c.replicas; ++i) {
                if (c.contested >> i & 1 == 1) contested(p, i);
            }
            if (c.contested != 0) opened(p, c.opened & ~c.contested);
            if (c.contested == 0 || c.opened != c.committed) skip(p.request.disputeWindow + 1);
        }
        // Until then a job without majority could be widened.
        if (c.silent || c.contested != 0) skip(p.request.disputeWindow + p.request.assignWindow + 1);
        resolved(p, c.opened);
    }

    /// @param verdicts One letter a seat: A(greed), D(eviated), X (absent), U(ndecided).
    function check(string memory name, Case memory c, bytes memory verdicts, int256[] memory nodes, int256 purse, uint256 burnt)
        internal
    {
        check(name, c, IScheduler.Policy.Trace, verdicts, nodes, purse, burnt);
    }

    function check(
        string memory name,
        Case memory c,
        IScheduler.Policy policy,
        bytes memory verdicts,
        int256[] memory nodes,
        int256 purse,
        uint256 burnt
    ) internal {
        Play memory p = play(c, policy);
        assertEq(stateOf(p), IScheduler.State.Settled, name);
        assertEq(scheduler.job(p.jobId).rosterHash, 0, string.concat(name, ": cleared"));
        checkSeats(name, c, p.roster, verdicts, nodes);
        IScheduler.Party memory party = scheduler.client(theClient);
        assertEq(party.free, uint256(int256(1000e18) + purse * 1e18), string.concat(name, ": client"));
        assertEq(party.locked, 0, string.concat(name, ": escrow"));
        assertEq(coin.balanceOf(GRAVE), burnt * 1e18, string.concat(name, ": burnt"));
        bool lost = !c.silent && wronged(verdicts, c.agreed);
        assertEq(party.good, c.silent || lost ? 0 : 256, string.concat(name, ": client good"));
        assertEq(party.bad, c.silent ? 1024 : lost ? 2048 : 0, string.concat(name, ": client bad"));
        assertSolvent();
    }

    function wronged(bytes memory verdicts, uint256 agreed) internal pure returns (bool yes) {
        for (uint256 i; i < verdicts.length; ++i) {
            if (verdicts[i] == "A" && agreed >> i & 1 == 0) yes = true;
        }
    }

    function checkSeats(string memory name, Case memory c, IScheduler.Seat[] memory roster, bytes memory verdicts, int256[] memory nodes) internal view {
        for (uint256 i; i < c.replicas; ++i) {
            string memory seat = string.concat(name, ": seat ", vm.toString(i));
            checkSeat(seat, roster[i].node, verdicts[i], c.replicas, c.contested >> i & 1 == 1, nodes[i]);
        }
    }

    function checkSeat(string memory name, address account, bytes1 verdict, uint8 replicas, bool contestant, int256 delta)
        internal
        view
    {
        IScheduler.Party memory party = scheduler.node(account);
        assertEq(party.free, uint256(int256(1000e18) + delta * 1e18), name);
        assertEq(party.locked, 0, string.concat(name, " locked"));
        assertEq(party.good, verdict == "A" ? replicas > 1 ? 256 : 64 : 0, string.concat(name, " good"));
        uint256 bad = verdict == "D" ? contestant ? 2048 : 1024 : verdict == "X" ? 512 : 0;
        assertEq(party.bad, bad, string.concat(name, " bad"));
    }

    function tones(uint16 a, uint16 b, uint16 c, uint16 d) internal pure returns (uint16[] memory t) {
        t = new uint16[](4);
        (t[0], t[1], t[2], t[3]) = (a, b, c, d);
    }

    function sums(int256 a, int256 b, int256 c, int256 d) internal pure returns (int256[] memory t) {
        t = new int256[](4);
        (t[0], t[1], t[2], t[3]) = (a, b, c, d);
    }

    /* WHO ENDS UP WITH WHAT */

    function test_verdict_stands() public {
        check("one rejected", Case(3, 7, false, 3, 0, 0, tones(0, 0, 0, 0)), "AAD", sums(10, 10, 0, 0), -20, 0);
    }

    function test_verdict_stands_all_rejected() public {
        check("all rejected", Case(3, 7, false, 0, 0, 0, tones(0, 0, 0, 0)), "DDD", sums(0, 0, 0, 0), 0, 0);
    }

    function test_verdict_stands_one_absent() public {
        check("one absent", Case(3, 3, false, 1, 0, 0, tones(0, 0, 0, 0)), "ADX", sums(10, 0, -12, 0), 2, 0);
    }

    function test_contest_lost() public {
        check("lost", Case(3, 7, false, 3, 4, 7, tones(0, 0, FAR, 0)), "AAD", sums(10, 10, -10, 0), -10, 0);
    }

    function test_contest_won() public {
        check("won", Case(3, 7, false, 1, 2, 7, tones(0, 0, 0, 0)), "AAA", sums(10, 15, 15, 0), -40, 0);
    }

    function test_contest_won_while_another_does_not_open() public {
        check("won", Case(3, 7, false, 5, 2, 3, tones(0, 0, 0, 0)), "AAX", sums(10, 32, -12, 0), -30, 0);
    }

    function test_contest_without_majority() public {
        check("none", Case(3, 7, false, 3, 4, 5, tones(0, 0, FAR, 0)), "UXU", sums(0, -12, 0, 0), 0, 12);
    }

    function test_contest_lost_while_another_does_not_open() public {
        check("lost", Case(4, 15, false, 7, 8, 11, tones(0, 0, 0, FAR)), "AAXD", sums(10, 10, -12, -10), 2, 0);
    }

    function test_contest_exposes_an_accepted_outlier() public {
        check("exposed", Case(3, 7, false, 3, 4, 7, tones(0, FAR, FAR, 0)), "DAA", sums(0, 10, 20, 0), -30, 0);
    }

    function test_contest_of_two_one_of_them_right() public {
        check("half", Case(3, 7, false, 1, 6, 7, tones(0, 0, FAR, 0)), "AAD", sums(10, 30, -10, 0), -30, 0);
    }

    function test_contest_after_one_did_not_commit() public {
        check("two", Case(3, 3, false, 1, 2, 3, tones(0, FAR, 0, 0)), "UUX", sums(0, 0, -12, 0), 12, 0);
    }

    function test_silent_all_open() public {
        check("silent", Case(2, 3, true, 0, 0, 3, tones(0, 0, 0, 0)), "AA", sums(15, 15, 0, 0), -30, 0);
    }

    function test_silent_alone() public {
        check("silent", Case(1, 1, true, 0, 0, 1, tones(0, 0, 0, 0)), "A", sums(20, 0, 0, 0), -20, 0);
    }

    function test_silent_one_does_not_open() public {
        check("silent", Case(3, 7, true, 0, 0, 3, tones(0, 0, 0, 0)), "AAX", sums(15, 15, -12, 0), -30, 12);
    }

    function test_silent_nobody_opens() public {
        check("silent", Case(3, 7, true, 0, 0, 0, tones(0, 0, 0, 0)), "XXX", sums(-12, -12, -12, 0), -10, 46);
    }

    function test_silent_without_majority() public {
        check("silent", Case(2, 3, true, 0, 0, 3, tones(0, FAR, 0, 0)), "UU", sums(0, 0, 0, 0), -10, 10);
    }

    function test_silent_one_deviates() public {
        check("silent", Case(3, 7, true, 0, 0, 7, tones(0, FAR, 0, 0)), "ADA", sums(15, 0, 15, 0), -30, 0);
    }

    function test_silent_after_one_did_not_commit() public {
        check("silent", Case(3, 3, true, 0, 0, 3, tones(0, 0, 0, 0)), "AAX", sums(15, 15, -12, 0), -18, 0);
    }

    function test_a_row_of_neighbours_is_no_clique() public {
        check("row", Case(3, 7, true, 0, 0, 7, tones(0, reach(false), 2 * reach(false), 0)), "AAD", sums(15, 15, 0, 0), -30, 0);
    }

    function test_two_pairs_are_no_majority() public {
        check("pairs", Case(4, 15, true, 0, 0, 15, tones(0, 0, FAR, FAR)), "UUUU", sums(0, 0, 0, 0), -10, 10);
    }

    function test_policy_none_all_who_opened_agree() public {
        check("none", Case(3, 7, true, 0, 0, 3, tones(0, FAR, 0, 0)), IScheduler.Policy.None, "AAX", sums(15, 15, -12, 0), -30, 12);
    }

    function test_policy_exact_other_digests_deviate() public {
        check("exact", Case(3, 7, true, 0, 0, 7, tones(0, 1, 0, 0)), IScheduler.Policy.Exact, "ADA", sums(15, 0, 15, 0), -30, 0);
    }

    function test_a_malformed_sketch_is_no_majority_of_one() public {
        IScheduler.JobRequest memory request = aRequest(1);
        Play memory p = submitted(request);
        assigned(p);
        p.openings = new IScheduler.Opening[](1);
        p.openings[0] = openingOf(0, 0);
        p.openings[0].sketch = "rubbish";
        IScheduler.SignedCommitment[] memory batch = new IScheduler.SignedCommitment[](1);
        bytes32 commitment = sealedHash(p.jobId, p.roster[0].node, p.openings[0]);
        batch[0] = aCommitment(p.jobId, p.roster, 0, commitment);
        scheduler.commit(request, p.roster, batch);
        p.sealed_ = new IScheduler.SealedSeat[](1);
        p.sealed_[0] = IScheduler.SealedSeat(p.roster[0].node, p.roster[0].price, commitment);
        skip(request.settleWindow + 1);
        opened(p, 1);
        skip(request.disputeWindow + request.assignWindow);
        vm.expectEmit(address(scheduler));
        emit IScheduler.Settled(p.jobId, 0, 0, PRICE);
        resolved(p, 1);
        assertEq(scheduler.node(p.roster[0].node).free, 1000 * COIN_1, "unpaid");
    }

    function test_emits_the_verdicts_and_the_sums() public {
        Play memory p = contestable(3, 5, new uint16[](3));
        contested(p, 1);
        opened(p, 1);
        skip(p.request.disputeWindow + 1);
        vm.expectEmit(address(scheduler));
        emit IScheduler.Settled(p.jobId, 1 | 1 << 2 | 3 << 4, uint256(p.roster[0].price) + p.roster[1].price, PRICE + STAKE / 4);
        resolved(p, 3);
    }

    /* A MODEL, FOR EVERYTHING ELSE */

    /// forge-config: default.fuzz.runs = 100
    function testFuzz_against_a_model(uint256 salt, Case memory c) public {
        c.replicas = c.replicas % 15 + 1;
        c.committed &= all(c.replicas);
        if (c.committed == 0) c.committed = 1;
        if (!c.silent) c.agreed &= c.committed;
        if (c.agreed == c.committed) c.agreed &= c.agreed - 1;
        if (c.silent) (c.agreed, c.contested) = (0, 0);
        c.contested &= c.committed & ~c.agreed;
        c.opened = c.silent || c.contested != 0 ? c.opened & c.committed | c.contested : 0;
        // Neighbours are alike, every other one is not; half of the time they are strictly alike.
        c.tones = new uint16[](c.replicas);
        {
            uint16 step = reach(salt % 2 == 0) * 3 / 5;
            for (uint256 i; i < c.replicas; ++i) c.tones[i] = uint16(uint256(keccak256(abi.encode(salt, i))) % 5) * step;
        }
        this.assertAsTheModelSays(c, reach(true), reach(false));
    }

    /// @dev Every combination of what three nodes and their client can do: nodes that commit or not, to one result or another, that contest or not, that open or
    /// not; a client that is silent, or accepts any of those that committed but not all (then it is over).
    function test_every_combination_for_three_seats() public {
        assertEq(combinations(false), 621, "combinations");
    }

    function test_every_combination_with_a_silent_client() public {
        assertEq(combinations(true), 124, "combinations");
    }

    function combinations(bool silent) internal returns (uint256 count) {
        uint256 snapshot = vm.snapshotState();
        for (uint16 committed_ = 1; committed_ < 8; ++committed_) {
            for (uint256 word = silent ? 1 << 12 : 0; word < (silent ? 2 << 12 : 1 << 12); ++word) {
                if (!isCase(committed_, word)) continue;
                // Each in a call of its own, for memory is dear once there is much of it.
                this.assertAsTheModelSays(caseOf(committed_, word), 0, 0);
                vm.revertToState(snapshot);
                ++count;
            }
        }
    }

    /// @param word From its lowest: three bits each of who is accepted, contests, opens, has another result; and whether the client is silent.
    function isCase(uint256 committed_, uint256 word) internal pure returns (bool) {
        (uint256 agreed, uint256 contested_, uint256 opened_, uint256 other) = (word & 7, word >> 3 & 7, word >> 6 & 7, word >> 9 & 7);
        if ((agreed | contested_ | opened_ | other) & ~committed_ != 0) return false;
        if (word >> 12 == 1) return agreed == 0 && contested_ == 0;
        if (agreed == committed_ || contested_ & agreed != 0 || contested_ & ~opened_ != 0) return false;
        return contested_ != 0 || (opened_ == 0 && other == 0);
    }

    function caseOf(uint16 committed_, uint256 word) internal pure returns (Case memory c) {
        c = Case(3, committed_, word >> 12 == 1, uint16(word & 7), uint16(word >> 3 & 7), uint16(word >> 6 & 7), new uint16[](3));
        for (uint256 i; i < 3; ++i) c.tones[i] = word >> (9 + i) & 1 == 1 ? FAR : 0;
    }

    /// @param strictly Largest difference of tones that are strictly alike; `usually` of those that are alike.
    function assertAsTheModelSays(Case memory c, uint16 strictly, uint16 usually) external {
        uint256 majority = c.silent || c.contested != 0 ? greedy(c.tones, c.opened, strictly) : c.agreed;
        if ((c.silent || c.contested != 0) && majority == 0) majority = greedy(c.tones, c.opened, usually);
        bool disputed = c.silent || c.contested != 0;

        Play memory p = play(c, IScheduler.Policy.Trace);
        uint256 lostByNodes;
        uint256 sharers;
        uint256 sharersCount;
        if (c.silent) sharers = majority;
        else if (disputed) sharers = majority & ~c.agreed;
        for (uint256 i; i < c.replicas; ++i) sharersCount += sharers >> i & 1;
        for (uint256 i; i < c.replicas; ++i) {
            uint256 bit = 1 << i;
            if (c.committed & bit == 0) continue;
            if (disputed && c.opened & bit == 0) lostByNodes += 12e18;
            else if (c.contested & bit != 0 && majority != 0 && majority & bit == 0) lostByNodes += 10e18;
        }
        uint256 pot = c.silent ? 10e18 : sharers != 0 ? 10e18 + lostByNodes : 0;
        uint256 gained;
        for (uint256 i; i < c.replicas; ++i) {
            uint256 bit = 1 << i;
            uint256 free = scheduler.node(p.roster[i].node).free;
            if (majority & bit != 0) {
                if (sharers & bit == 0) {
                    assertEq(free, 1010e18, "agreed");
                } else {
                    uint256 share = free - 1010e18;
                    gained += share;
                    // Rounding may favour one by less than the number of sharers.
                    assertTrue(share >= pot / sharersCount && share < pot / sharersCount + sharersCount, "share");
                }
            } else if (c.committed & bit == 0 || disputed && c.opened & bit == 0) {
                assertEq(free, 988e18, "absent");
            } else if (c.contested & bit != 0 && majority != 0) {
                assertEq(free, 990e18, "lost contest");
            } else {
                assertEq(free, 1000e18, "unpaid");
            }
        }
        assertEq(gained, sharersCount == 0 ? 0 : pot, "the whole pot");
        uint256 burnt = (c.silent && majority == 0 ? 10e18 : 0) + (c.silent || majority == 0 ? lostByNodes : 0);
        assertEq(coin.balanceOf(GRAVE), burnt, "burnt");
        assertSolvent();
    }

    function greedy(uint16[] memory t, uint256 opened_, uint16 widest) internal pure returns (uint256 majority) {
        uint256 most;
        uint256 count;
        for (uint256 i; i < t.length; ++i) {
            if (opened_ >> i & 1 == 0) continue;
            ++count;
            (uint256 mask, uint256 size, uint16 low, uint16 high) = (1 << i, 1, t[i], t[i]);
            for (uint256 j; j < t.length; ++j) {
                if (j == i || opened_ >> j & 1 == 0) continue;
                (uint16 lower, uint16 higher) = (t[j] < low ? t[j] : low, t[j] > high ? t[j] : high);
                if (higher - lower > widest) continue;
                (low, high, mask, size) = (lower, higher, mask | 1 << j, size + 1);
            }
            if (size > most) (most, majority) = (size, mask);
        }
        if (2 * most <= count) majority = 0;
    }

    /* WHEN */

    function test_reverts_TooEarly() public {
        Play memory p = committed(3);
        uint256 deadline = scheduler.job(p.jobId).since + p.request.settleWindow;
        vm.warp(deadline);
        expectError(IScheduler.TooEarly.selector, deadline);
        resolved(p, 0);
        skip(1);
        opened(p, 3);
        deadline += p.request.disputeWindow;
        vm.warp(deadline);
        expectError(IScheduler.TooEarly.selector, deadline);
        resolved(p, 3);
        opened(p, 4);
        resolved(p, 7);
        assertEq(stateOf(p), IScheduler.State.Settled, "at once when all are open");
    }

    function test_reverts_TooEarly_while_it_can_be_contested() public {
        Play memory p = contestable(3, 3, new uint16[](3));
        uint256 deadline = scheduler.job(p.jobId).since + p.request.disputeWindow;
        vm.warp(deadline);
        expectError(IScheduler.TooEarly.selector, deadline);
        resolved(p, 0);
        contested(p, 2);
        deadline = scheduler.job(p.jobId).since + p.request.disputeWindow;
        vm.warp(deadline);
        expectError(IScheduler.TooEarly.selector, deadline);
        resolved(p, 4);
        vm.warp(deadline + 1);
        resolved(p, 4);
    }

    function test_reverts_BadOrder_unless_exactly_the_opened() public {
        Play memory p = committed(3);
        skip(p.request.settleWindow + 1);
        opened(p, 5);
        skip(p.request.disputeWindow);
        uint8[4] memory masks = [0, 1, 4, 7];
        for (uint256 i; i < 4; ++i) {
            expectError(IScheduler.BadOrder.selector);
            resolved(p, masks[i]);
        }
        IScheduler.Opening[] memory openings = openingsOf(p, 5);
        (openings[0], openings[1]) = (openings[1], openings[0]);
        expectError(IScheduler.BadOrder.selector);
        scheduler.resolve(p.request, p.sealed_, openings);
        openings[0] = openings[1];
        expectError(IScheduler.BadOrder.selector);
        scheduler.resolve(p.request, p.sealed_, openings);
        resolved(p, 5);
    }

    function test_reverts_BadOpening_NotCommitted_BadIndex() public {
        Play memory p = assigned(3);
        committedAfterWindow(p, 3, new uint16[](3));
        skip(p.request.settleWindow + 1);
        opened(p, 3);
        expectError(IScheduler.NotCommitted.selector, 2);
        resolved(p, 4);
        p.openings[1].sketch = sketchOf(1);
        expectError(IScheduler.BadOpening.selector, 1);
        resolved(p, 3);
        p.openings[1].index = 3;
        expectError(IScheduler.BadIndex.selector, 3);
        resolved(p, 3);
    }

    function test_reverts_BadRoster() public {
        Play memory p = contestable(3, 3, new uint16[](3));
        skip(p.request.disputeWindow + 1);
        p.sealed_[0].price += 1;
        expectError(IScheduler.BadRoster.selector);
        resolved(p, 0);
    }

    function test_reverts_WrongState() public {
        Play memory p = assigned(3);
        batchOf(p, 7, new uint16[](3));
        expectWrongState(IScheduler.State.Assigned);
        resolved(p, 0);
        committed(p, 7, new uint16[](3));
        settled(p, 7);
        expectWrongState(IScheduler.State.Settled);
        resolved(p, 0);
    }
}
