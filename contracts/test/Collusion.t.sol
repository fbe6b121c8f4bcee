// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {Widened} from "./Widened.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";
import {DrawLib} from "../src/libraries/DrawLib.sol";
import {StatementLib} from "../src/libraries/StatementLib.sol";

/// @dev A node that says yes to whatever it is asked, until it says no.
contract Fickle is IERC1271 {
    bool public denies;

    function deny(bool denies_) external {
        denies = denies_;
    }

    function join(IERC20 coin, IScheduler scheduler, uint88 stake) external {
        coin.approve(address(scheduler), stake);
        scheduler.register(stake, "");
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        return denies ? bytes4(0) : IERC1271.isValidSignature.selector;
    }
}

/// @dev What a client and nodes in league with it could try, and what a fickle wallet or a carrier that is short of gas could.
contract CollusionTest is Widened {
    uint16 internal constant BLOCKS = 5;
    bytes16 internal constant LIE = "made up";
    uint64 internal nonces = 100;

    function ready(uint8 replicas) internal returns (Play memory play) {
        IScheduler.JobRequest memory request = aRequest(replicas);
        (request.bidBlocks, request.dataRoot, request.dataBytes) = (BLOCKS, keccak256("data"), 1 << 20);
        play = submitted(request);
        vm.roll(vm.getBlockNumber() + 2);
    }

    function keyAt(Play memory play, uint256 key, uint256 locality, uint256 price) internal view returns (uint256) {
        address account = vm.addr(key);
        IScheduler.Party memory party = scheduler.node(account);
        uint256 weight = DrawLib.weight(uint256(party.free) + party.locked, scheduler.scoreOf(account, true), locality, price, PRICE);
        return DrawLib.key(scheduler.seedOf(play.jobId), account, weight);
    }

    /// @dev A job in which the friend, the first, would lose to the honest node, the second, but for terms it does not mean. Price: a fourth.
    function contest(bool byClaim) internal returns (Play memory play, IScheduler.Bid memory friend, IScheduler.Bid memory honest) {
        while (true) {
            IScheduler.JobRequest memory request = withNonce(1, ++nonces);
            (request.dataRoot, request.dataBytes) = (keccak256("data"), 1 << 20);
            play = submitted(request);
            vm.roll(vm.getBlockNumber() + 2);
            uint256 inflated = byClaim ? keyAt(play, keys[0], 10_000, PRICE) : keyAt(play, keys[0], 0, PRICE / 4);
            uint256 other = keyAt(play, keys[1], 0, PRICE);
            if (keyAt(play, keys[0], 0, PRICE) > other && other > inflated && keyAt(play, keys[2], 0, PRICE) > other) break;
        }
        friend = byClaim
            ? aClaim(keys[0], play.jobId, PRICE, 10_000, LIE, scheduler.seedOf(play.jobId), 0)
            : aBid(keys[0], play.jobId, PRICE / 4);
        honest = aBid(keys[1], play.jobId, PRICE);
    }

    /// @dev Assigned with these bids and one more of a friend's, keys[2], which nobody posted.
    function drawn(Play memory play, IScheduler.Bid memory bid) internal {
        vm.roll(vm.getBlockNumber() + BLOCKS);
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](2);
        (bids[0], bids[1]) = (bid, aBid(keys[2], play.jobId, PRICE));
        assigned(play, bids);
    }

    /* BIDS THAT KEEP OTHERS OFF */

    function test_attack_terms_that_are_not_meant_keep_nobody_off() public {
        for (uint256 byClaim; byClaim < 2; ++byClaim) {
            (Play memory play, IScheduler.Bid memory friend, IScheduler.Bid memory honest) = contest(byClaim == 1);
            post(play, honest);
            post(play, friend);
            assertEq(scheduler.node(honest.node).locked, 0, "kept off");
            assertEq(scheduler.node(friend.node).locked, STAKE, "bound");
            // In the last block, when the honest one cannot answer any more.
            IScheduler.Bid memory meant = aBid(keys[0], play.jobId, PRICE);
            vm.recordLogs();
            post(play, meant);
            assertEq(recorded().length, 0, "what was posted stands");
            vm.roll(vm.getBlockNumber() + BLOCKS);
            IScheduler.Bid[] memory bids = new IScheduler.Bid[](1);
            bids[0] = meant;
            vm.prank(theClient);
            expectError(IScheduler.BidLeftOut.selector, friend.node);
            scheduler.assign(play.request, bids, "");
            drawn(play, friend);
            assertEq(play.roster[0].node, friend.node, "it is the one");
            assertEq(play.roster[0].price, friend.price, "at its word");
            skip(play.request.commitWindow + 1);
            scheduler.expire(play.request, play.roster);
        }
        assertSolvent();
    }

    /// @dev By whatever it could do to be passed over: then the client would fill the seat with whom it likes.
    function test_attack_who_kept_others_off_makes_way_for_nobody() public {
        for (uint256 way; way < 4; ++way) {
            (Play memory play, IScheduler.Bid memory friend, IScheduler.Bid memory honest) = contest(false);
            post(play, honest);
            post(play, friend);
            IScheduler.Party memory party = scheduler.node(friend.node);
            vm.prank(friend.node);
            if (way == 0) {
                expectError(IScheduler.InsufficientFunds.selector, party.free, uint256(party.free) + 1);
                scheduler.withdraw(true, friend.node, party.free + 1);
            } else if (way == 1) {
                scheduler.withdraw(true, friend.node, party.free);
            } else if (way == 2) {
                coin.approve(address(scheduler), 1);
                coin.transfer(friend.node, 1);
                vm.prank(friend.node);
                scheduler.register(1, "");
            } else {
                scheduler.withdraw(true, friend.node, party.free / 100 * 99);
            }
            drawn(play, friend);
            assertEq(play.roster[0].node, friend.node, "it is the one");
            assertEq(scheduler.node(friend.node).locked, STAKE, "one stake");
            committed(play, 1, new uint16[](1));
            settled(play, 1);
            if (scheduler.node(friend.node).free < 1000 * COIN_1) registerNode(keys[0], uint88(1000 * COIN_1 - scheduler.node(friend.node).free));
            skip(1);
        }
        assertSolvent();
    }

    function test_a_bid_is_bound_until_it_is_kept_off_drawn_or_the_job_is_over() public {
        Play memory play = ready(1);
        IScheduler.Bid[] memory bids = someBids(play.jobId, 6);
        for (uint256 i; i < 6; ++i) post(play, bids[i]);
        uint256 bound;
        for (uint256 i; i < 6; ++i) bound += scheduler.node(bids[i].node).locked;
        assertEq(bound, STAKE, "the best one's");
        skip(play.request.assignWindow + 1);
        scheduler.expire(play.request, new IScheduler.Seat[](0));
        for (uint256 i; i < 6; ++i) assertEq(scheduler.node(bids[i].node).locked, 0, "free");
        // Nor does a draw that it loses hold it.
        play = submitted(withNonce(1, 2));
        vm.roll(vm.getBlockNumber() + 2);
        bids = someBids(play.jobId, 6);
        for (uint256 i; i < 2; ++i) post(play, bids[i]);
        vm.roll(vm.getBlockNumber() + BLOCKS);
        assigned(play, bids);
        bound = 0;
        for (uint256 i; i < 6; ++i) bound += scheduler.node(bids[i].node).locked;
        assertEq(bound, STAKE, "the winner's");
        assertEq(scheduler.node(play.roster[0].node).locked, STAKE, "its own");
        // Nor a client that cancels.
        play = submitted(withNonce(1, 3));
        vm.roll(vm.getBlockNumber() + 2);
        post(play, aBid(keys[7], play.jobId, PRICE));
        vm.prank(theClient);
        scheduler.cancel(play.request, "");
        assertEq(scheduler.node(vm.addr(keys[7])).locked, 0, "free");
        assertEq(scheduler.job(play.jobId).posted, 0, "none kept");
        assertSolvent();
    }

    function withNonce(uint8 replicas, uint64 nonce) internal view returns (IScheduler.JobRequest memory request) {
        (request = aRequest(replicas)).nonce = nonce;
        request.bidBlocks = BLOCKS;
    }

    function test_newcomers_bids_are_bound_and_freed_where_nobody_is_drawn() public {
        Play memory play = drawn(aRequest(1), new uint16[](1));
        audited(play);
        vm.roll(vm.getBlockNumber() + 2);
        IScheduler.Bid[] memory bids = laterBids(play, 1, 1);
        scheduler.postBids(play.request, play.roster, bids);
        assertEq(scheduler.node(bids[0].node).locked, STAKE, "bound");
        skip(play.request.assignWindow + 1);
        scheduler.expire(play.request, play.roster);
        assertEq(scheduler.node(bids[0].node).locked, 0, "free");
        assertSolvent();
    }

    /* CLAIMS THAT NOBODY COULD PROVE FALSE */

    /// @dev What proves a claim false is the signature of who made it: so none counts without one that lasts.
    function test_attack_a_claim_that_leaves_no_signature_is_no_bid() public {
        Play memory play = ready(1);
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](1);
        bids[0] = aClaim(keys[0], play.jobId, PRICE, 10_000, LIE, scheduler.seedOf(play.jobId), 0);
        bids[0].signature = "";
        vm.prank(bids[0].node);
        expectBadSignature(bids[0].node);
        scheduler.postBids(play.request, play.roster, bids);
        // Nor where the client is the node itself.
        IScheduler.JobRequest memory request = withNonce(1, 9);
        request.client = bids[0].node;
        (request.dataRoot, request.dataBytes) = (keccak256("data"), 1 << 20);
        scheduler.fund(bids[0].node, 2 * PRICE);
        vm.prank(bids[0].node);
        bytes32 jobId = scheduler.submit(request, "");
        vm.roll(vm.getBlockNumber() + 2 + BLOCKS);
        bids[0] = aClaim(keys[0], jobId, PRICE, 10_000, LIE, scheduler.seedOf(jobId), 0);
        bids[0].signature = "";
        vm.prank(bids[0].node);
        expectBadSignature(bids[0].node);
        scheduler.assign(request, bids, "");
    }

    function fickle() internal returns (Fickle wallet) {
        wallet = new Fickle();
        coin.transfer(address(wallet), 100 * COIN_1);
        wallet.join(coin, scheduler, 100 * COIN_1);
        skip(1);
    }

    function test_attack_a_wallet_that_could_deny_its_claim_makes_none() public {
        Fickle wallet = fickle();
        Play memory play = ready(1);
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](1);
        bids[0] = IScheduler.Bid(address(wallet), PRICE, 10_000, LIE, "yes");
        expectBadSignature(address(wallet));
        scheduler.postBids(play.request, play.roster, bids);
        vm.roll(vm.getBlockNumber() + BLOCKS);
        vm.prank(theClient);
        expectBadSignature(address(wallet));
        scheduler.assign(play.request, bids, "");
        // It bids as others do that claim nothing.
        bids[0].possession = 0;
        assigned(play, bids);
        assertEq(play.roster[0].node, address(wallet), "seat");
    }

    /* A WALLET THAT CHANGES ITS MIND */

    /// @dev Why nodes take a set for closed by keys alone (src/chain/accounts/verify.ts): this one would let a wallet commit to a copy. A job with
    /// a wallet in a seat is closed on chain.
    function test_a_wallets_word_closes_nothing() public {
        Fickle wallet = fickle();
        Play memory play = ready(2);
        vm.roll(vm.getBlockNumber() + BLOCKS);
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](2);
        (bids[0], bids[1]) = (IScheduler.Bid(address(wallet), PRICE, 0, 0, "yes"), aBid(keys[0], play.jobId, PRICE));
        if (bids[0].node > bids[1].node) (bids[0], bids[1]) = (bids[1], bids[0]);
        assigned(play, bids);
        play.sealed_ = new IScheduler.SealedSeat[](2);
        bytes[] memory signatures = new bytes[](2);
        for (uint256 i; i < 2; ++i) play.sealed_[i] = IScheduler.SealedSeat(play.roster[i].node, PRICE, bytes32(i + 1));
        for (uint256 i; i < 2; ++i) signatures[i] = play.roster[i].node == address(wallet) ? bytes("yes") : signSet(play.jobId, play.sealed_, i);
        wallet.deny(true);
        expectBadSignature(address(wallet));
        scheduler.commitSet(play.request, play.sealed_, new bytes32[](0), signatures);
        // What the other posted itself stands, and so does the clock: nobody waits for the wallet.
        uint8 honest = play.roster[0].node == address(wallet) ? 1 : 0;
        IScheduler.SignedCommitment[] memory own = new IScheduler.SignedCommitment[](1);
        own[0] = aCommitment(play.jobId, play.roster, honest, "mine");
        scheduler.commit(play.request, play.roster, own);
        skip(play.request.commitWindow + 1);
        scheduler.expire(play.request, play.roster);
        assertEq(scheduler.job(play.jobId).committed, 1 << honest, "closed");
        assertEq(scheduler.node(address(wallet)).free, 100 * COIN_1 - STAKE / 4, "absent");
    }

    function test_a_wallets_yes_convicts_nobody_else() public {
        Fickle wallet = fickle();
        Play memory play = committed(2);
        IScheduler.Pledge[2] memory pledges;
        for (uint256 i; i < 2; ++i) {
            pledges[i].commitments = new bytes32[](1);
            (pledges[i].commitments[0], pledges[i].signature) = (bytes32(i + 1), abi.encode(address(wallet)));
        }
        vm.prank(address(wallet));
        expectBadSignature(play.roster[0].node);
        scheduler.proveEquivocation(play.request, play.sealed_, 0, pledges[0], pledges[1]);
    }

    /* TOO LITTLE GAS */

    /// @dev Who carries the end of a job could leave its burning without gas. Then the coin stays, and is nobody's: everybody else has what is his.
    function test_attack_gas_that_is_cut_takes_nothing_from_anybody() public {
        uint256 ends;
        for (uint256 gas_ = 100_000; gas_ < 400_000; gas_ += 4_000) {
            (Play memory play, bytes memory message) = silent(uint64(gas_));
            uint256 burnt = coin.balanceOf(GRAVE);
            uint256 held = coin.balanceOf(address(scheduler));
            vm.prank(CARRIER);
            (bool done,) = address(scheduler).call{gas: gas_}(message);
            if (!done) {
                assertEq(stateOf(play), IScheduler.State.Committed, "nothing happened");
                scheduler.resolve(play.request, play.sealed_, new IScheduler.Opening[](0));
                continue;
            }
            ++ends;
            assertEq(stateOf(play), IScheduler.State.Settled, "ended");
            assertEq(scheduler.client(theClient).locked, 0, "the client's");
            for (uint256 i; i < 2; ++i) assertEq(scheduler.node(play.roster[i].node).locked, 0, "a node's");
            burnt = coin.balanceOf(GRAVE) - burnt;
            assertTrue(burnt == 0 || burnt == PRICE + STAKE / 2, "all or nothing");
            assertEq(burnt + coin.balanceOf(address(scheduler)), held, "the coin is where it was, or burnt");
        }
        assertTrue(ends > 0, "some end");
    }

    /// @dev A client that was silent, and nodes that were: a bond and a quarter of two stakes are to be burnt.
    function silent(uint64 nonce) internal returns (Play memory play, bytes memory message) {
        play = submitted(withNonce(2, nonce));
        vm.roll(vm.getBlockNumber() + 2 + BLOCKS);
        assigned(play, someBids(play.jobId, 2));
        committed(play, 3, new uint16[](2));
        skip(uint256(play.request.settleWindow) + play.request.disputeWindow + 1);
        message = abi.encodeCall(IScheduler.resolve, (play.request, play.sealed_, new IScheduler.Opening[](0)));
    }

    /* NOBODY TO DRAW */

    /// @dev A network of so many nodes.
    function networkOf(uint256 count) internal {
        use(deployScheduler(coin, 1, 1 minutes, 30 days));
        scheduler.fund(theClient, 1000 * COIN_1);
        for (uint256 i; i < count; ++i) registerNode(keys[i], 1000 * COIN_1);
        skip(1);
    }

    function test_where_nobody_can_be_drawn_nobody_waits() public {
        networkOf(2);
        assertEq(scheduler.nodeCount(), 2, "nodes");
        Play memory play = drawn(aRequest(1), new uint16[](1));
        audited(play);
        // Who registers now comes too late for the draw, and does not undo what is known.
        scheduler.expire(play.request, play.roster);
        assertEq(stateOf(play), IScheduler.State.Committed, "goes on");
        assertEq(scheduler.client(theClient).locked, 2 * PRICE, "the lock is back");
        expectWrongState(IScheduler.State.Committed);
        scheduler.expire(play.request, play.roster);
        settled(play, 1);
        assertSolvent();
    }

    function test_attack_a_check_that_can_be_made_is_not_called_off() public {
        networkOf(3);
        Play memory play = drawn(aRequest(1), new uint16[](1));
        audited(play);
        expectError(IScheduler.TooEarly.selector, vm.getBlockTimestamp() + play.request.assignWindow);
        scheduler.expire(play.request, play.roster);
        // Registering again, or with nothing, counts nobody twice; leaving takes nobody away.
        for (uint256 i; i < 3; ++i) {
            vm.prank(vm.addr(keys[i]));
            scheduler.register(0, "");
        }
        vm.prank(vm.addr(keys[2]));
        scheduler.withdraw(true, vm.addr(keys[2]), 1000 * COIN_1);
        assertEq(scheduler.nodeCount(), 3, "nodes");
        expectError(IScheduler.TooEarly.selector, vm.getBlockTimestamp() + play.request.assignWindow);
        scheduler.expire(play.request, play.roster);
    }

    function test_a_panel_asks_for_as_many_more() public {
        networkOf(4);
        uint16[] memory apart = new uint16[](2);
        apart[1] = FAR;
        Play memory play = drawn(aRequest(2), apart);
        settled(play, 1);
        contested(play, 1);
        opened(play, 1);
        summoned(play, theClient);
        scheduler.expire(play.request, play.roster);
        assertEq(stateOf(play), IScheduler.State.Committed, "goes on");
        assertSolvent();
    }
}
