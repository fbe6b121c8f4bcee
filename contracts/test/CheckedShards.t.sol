// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Sharded} from "./Sharded.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

/// @dev Audits and panels of jobs of shards: what is widened is the job, all its shards; what is opened is one of them, before and after.
contract CheckedShardsTest is Sharded {
    uint256 internal constant BAD = 3;
    uint256 internal constant CHECK = STAKE / 2;

    /// @dev Whose tone is not 0 has it in shard BAD alone.
    function toneOf(uint8, uint16 tone, uint256 shard) internal pure override returns (uint16) {
        return uint16(50 * shard) + (shard == BAD ? tone : 0);
    }

    function worth(Play memory play, uint256 seat) internal view returns (uint256) {
        IScheduler.Party memory party = scheduler.node(play.roster[seat].node);
        assertEq(party.locked, 0, "unlocked");
        return party.free;
    }

    /// @dev Audited, with the commitments of all three.
    function checked(uint16[] memory t) internal returns (Play memory play) {
        play = drawn(ofShards(1), t);
        audited(play);
        widened(play, t);
        newcomersCommit(play, 6, t);
    }

    function test_a_cheat_in_one_shard_loses_the_audit_by_that_shard() public {
        uint16[] memory t = tones(FAR, 0, 0, 0, 0);
        Play memory play = checked(t);
        judged(play, 6, uint32(BAD));
        IScheduler.Opening memory another = shardOpening(0, FAR, BAD - 1);
        vm.prank(play.roster[0].node);
        expectError(IScheduler.BadOpening.selector, 0);
        scheduler.contest(play.request, play.sealed_, another, "");
        opensShard(play, t, BAD);
        contested(play, 0);
        opened(play, 6);
        resolved(play, 7);
        // Its stake's half and its bond; of these the newcomers' prices and the bond are the client's, and a tenth; the rest is burnt.
        assertEq(worth(play, 0), 1000 * COIN_1 - CHECK - PRICE, "the cheat");
        for (uint256 i = 1; i < 3; ++i) assertEq(worth(play, i), 1000 * COIN_1 + PRICE, "a newcomer");
        assertEq(scheduler.client(theClient).free, 1000 * COIN_1 - 2 * PRICE + CHECK + PRICE, "the client");
        assertEq(coin.balanceOf(GRAVE), 0, "half of the stake is two prices: nothing is left to burn");
        assertSolvent();
    }

    function test_an_honest_seat_rejected_over_any_shard_wins_after_an_audit() public {
        uint16[] memory t = tones(0, 0, 0, 0, 0);
        for (uint32 shard; shard < SHARDS; ++shard) {
            IScheduler.JobRequest memory request = ofShards(1);
            request.nonce = 10 + shard;
            Play memory play = drawn(request, t);
            audited(play);
            widened(play, t);
            newcomersCommit(play, 6, t);
            judged(play, 6, shard);
            opensShard(play, t, shard);
            contested(play, 0);
            opened(play, 6);
            resolved(play, 7);
            assertEq(scheduler.client(theClient).bad, 2048 * (uint256(shard) + 1), "the client lost");
        }
        assertSolvent();
    }

    function test_a_silent_client_after_its_audit_the_lot_of_the_widened_roster_decides() public {
        uint16[] memory t = tones(0, 0, 0, 0, 0);
        Play memory play = drawn(ofShards(1), t);
        uint256 first = shardByLot(play);
        audited(play);
        widened(play, t);
        newcomersCommit(play, 6, t);
        uint256 shard = shardByLot(play);
        skip(play.request.settleWindow + 1);
        if (first != shard) {
            opensShard(play, t, first);
            IScheduler.Opening[] memory early = openingsOf(play, 7);
            expectError(IScheduler.BadOpening.selector, 0);
            scheduler.open(play.request, play.sealed_, early);
        }
        opensShard(play, t, shard);
        opened(play, 7);
        resolved(play, 7);
        assertEq(stateOf(play), IScheduler.State.Settled, "state");
        assertEq(scheduler.client(theClient).bad, 1024, "silent");
        assertSolvent();
    }

    function test_a_settled_audit_names_no_shard_and_pays_all() public {
        Play memory play = checked(tones(0, 0, 0, 0, 0));
        vm.prank(theClient);
        expectError(IScheduler.BadShard.selector, SHARDS);
        scheduler.settle(play.request, play.sealed_, 7, SHARDS, "report", "");
        judged(play, 7, 0);
        for (uint256 i; i < 3; ++i) assertEq(worth(play, i), 1000 * COIN_1 + PRICE, "paid");
        assertSolvent();
    }

    /// @dev Two that differ in shard BAD, which the verdict names: nobody has a majority there.
    function divided(uint16[] memory t) internal returns (Play memory play) {
        play = drawn(ofShards(2), t);
        judged(play, 1, uint32(BAD));
        opensShard(play, t, BAD);
        contested(play, 1);
        opened(play, 1);
    }

    function test_a_panel_of_shards_is_judged_by_whatever_shard_the_new_verdict_names() public {
        uint16[] memory t = tones(0, FAR, 0, 0, 0);
        Play memory play = divided(t);
        summoned(play, play.roster[0].node);
        assertEq(scheduler.job(play.jobId).shard, 0, "the first verdict is void, its shard as well");
        widened(play, t);
        newcomersCommit(play, 28, t);
        judged(play, 29, uint32(BAD));
        opensShard(play, t, BAD);
        contested(play, 1);
        opened(play, 29);
        resolved(play, 31);
        assertEq(scheduler.node(play.roster[1].node).bad, 2048, "a lost check");
        assertEq(worth(play, 1), 1000 * COIN_1 - CHECK - PRICE, "the cheat");
        // The caller has back two of three newcomers' prices: half of the cheat's stake.
        assertEq(worth(play, 0), 1000 * COIN_1 + PRICE - 3 * PRICE + CHECK, "who called");
        assertSolvent();
    }

    function test_where_the_shard_by_lot_has_a_majority_no_panel_is_called() public {
        uint16[] memory t = tones(0, FAR, 0, 0, 0);
        bool tried;
        for (uint64 nonce = 10; !tried; ++nonce) {
            IScheduler.JobRequest memory request = ofShards(2);
            request.nonce = nonce;
            Play memory play = drawn(request, t);
            uint256 shard = shardByLot(play);
            if (shard == BAD) continue;
            tried = true;
            skip(play.request.settleWindow + 1);
            opensShard(play, t, shard);
            opened(play, 3);
            IScheduler.Opening[] memory openings = openingsOf(play, 3);
            vm.prank(theClient);
            expectError(IScheduler.MajorityFound.selector);
            scheduler.summon(play.request, play.sealed_, openings, theClient, "");
            opensShard(play, t, BAD);
            openings = openingsOf(play, 3);
            vm.prank(theClient);
            expectError(IScheduler.BadOpening.selector, 0);
            scheduler.summon(play.request, play.sealed_, openings, theClient, "");
        }
    }

    /// @dev A newcomer cannot pass another's sketches off as its own: what it opens leads to what it committed to.
    function test_attack_a_newcomer_opens_anothers_shard() public {
        uint16[] memory t = tones(0, 0, FAR, 0, 0);
        Play memory play = checked(t);
        judged(play, 3, uint32(BAD));
        IScheduler.Opening memory copied = shardOpening(2, 0, BAD);
        (copied.resultDigest, copied.evidenceDigest) = (play.openings[2].resultDigest, play.openings[2].evidenceDigest);
        vm.prank(play.roster[2].node);
        expectError(IScheduler.BadOpening.selector, 2);
        scheduler.contest(play.request, play.sealed_, copied, "");
    }
}
