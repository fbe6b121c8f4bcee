// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Vm} from "./Base.sol";
import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

/// @dev Lets a client and sixteen nodes do whatever they may, in any order and at any time. Nothing it does may revert.
contract Handler is Life {
    bytes[] internal plays;
    /// By job and draw: whose bids were posted, as bits.
    mapping(uint256 number => mapping(uint8 round => uint256)) internal posted;
    /// Few enough for runs to get far with them.
    uint256 public limit = 12;
    /// States in which some job was found, as bits.
    uint256 public seen;

    function setLimit(uint256 limit_) external {
        limit = limit_;
    }

    function load(uint256 i) internal view returns (Play memory) {
        return abi.decode(plays[i], (Play));
    }

    /* ACTIONS */

    function submit(uint256 salt) external {
        if (plays.length == limit) return;
        IScheduler.JobRequest memory request = aRequest(uint8(salt % 4 + 1));
        request.nonce = uint64(plays.length);
        request.bidBlocks = salt >> 240 & 1 == 0 ? 0 : 20;
        request.policy = uint8(salt >> 8) % 3;
        request.maxPrice = uint88((salt >> 16) % (30 * COIN_1) + 1);
        request.stake = request.maxPrice + uint88((salt >> 128) % (100 * COIN_1));
        if (scheduler.client(theClient).free < uint256(request.maxPrice) * (request.replicas + 1)) return;
        Play memory play = submitted(request);
        plays.push(abi.encode(play));
        if (salt >> 250 > 8 && request.bidBlocks == 0) assign(plays.length - 1);
    }

    /// @dev Three steps of one job or of several.
    function move(uint256 salt, uint256 number) external {
        for (uint256 i; i < 3; ++i) step(uint256(keccak256(abi.encode(salt, i))), number >> i);
    }

    function step(uint256 salt, uint256 number) internal {
        if (plays.length == 0) return;
        number %= plays.length;
        Play memory play = load(number);
        IScheduler.Job memory job = scheduler.job(play.jobId);
        seen |= 1 << uint256(job.state);
        if (job.state == IScheduler.State.Open) {
            if (block.timestamp > job.since + play.request.assignWindow) return expire(play);
            if (salt % 8 == 0) cancel(play);
            else if (salt % 8 < 5 && play.request.bidBlocks > 0) post(number, salt >> 8, 0);
            else assign(number);
        } else if (job.state == IScheduler.State.Assigned) {
            if (block.timestamp > job.since + play.request.commitWindow) return expire(play);
            if (salt % 4 == 0) direct(play, salt >> 8);
            else if (salt % 4 == 1) closeBySet(play);
            else commit(play, job, salt >> 8);
        } else if (job.state == IScheduler.State.Committed) {
            if (salt >> 128 & 7 == 0) {
                prove(play, job, salt >> 16);
                job = scheduler.job(play.jobId);
            }
            if (job.widening == 0 && play.request.replicas == 1 && play.request.policy < 2 && salt >> 140 & 1 == 0) return audit(play, job);
            uint256 deadline = job.since + play.request.settleWindow;
            if (block.timestamp <= deadline) {
                if (salt % 8 == 0) vm.warp(deadline + 1);
                else settled(play, salt % 8 < 3 ? job.committed : uint16(salt >> 8) & job.committed);
            } else if (block.timestamp <= deadline + play.request.disputeWindow && job.opened != job.committed) {
                opened(play, (salt >> 8) & job.committed);
            } else {
                judge(play, job, deadline, salt >> 8);
            }
        } else if (job.state == IScheduler.State.Contestable || job.state == IScheduler.State.Contested) {
            if (job.state == IScheduler.State.Contestable && block.timestamp > job.since + play.request.disputeWindow) return resolved(play, 0);
            if (job.state == IScheduler.State.Contested && (job.opened == job.committed || block.timestamp > job.since + play.request.disputeWindow)) {
                return judge(play, job, job.since, salt >> 8);
            }
            if (job.state == IScheduler.State.Contested && salt % 2 == 0) return opened(play, (salt >> 8) & job.committed);
            contest(play, job, salt);
        } else if (job.state == IScheduler.State.Widening) {
            if (block.timestamp > job.since + play.request.assignWindow) return expire(play);
            if (salt % 4 == 0) vm.warp(job.since + play.request.assignWindow + 1);
            else if (salt % 4 == 1) post(number, salt >> 8, 1);
            else drawMore(number);
        }
    }

    /// @dev Resolves, or calls for a panel where that is possible.
    function judge(Play memory play, IScheduler.Job memory job, uint256 start, uint256 salt) internal {
        start += uint256(play.request.disputeWindow) + play.request.assignWindow;
        if (job.widening == 0 && play.request.policy < 2 && job.opened == all(play.request.replicas) && undecided(play, job) && block.timestamp <= start) {
            uint256 lock = uint256(play.request.maxPrice) * (play.request.replicas + 1);
            address caller = salt % 3 == 0 ? theClient : play.roster[salt % play.roster.length].node;
            if (salt % 5 == 0 || (caller == theClient ? scheduler.client(caller).free : scheduler.node(caller).free) < lock) return vm.warp(start + 1);
            IScheduler.Opening[] memory openings = openingsOf(sealed_(play), job.opened);
            vm.prank(caller);
            return scheduler.summon(play.request, play.sealed_, openings, caller, "");
        }
        resolved(play, job.opened);
    }

    /// @dev Seats are of two tones.
    function undecided(Play memory play, IScheduler.Job memory job) internal pure returns (bool) {
        uint16[] memory tones = tonesOf(play);
        uint256[2] memory masks;
        uint256 count;
        for (uint256 i; i < tones.length; ++i) {
            if (job.opened >> i & 1 == 0) continue;
            masks[tones[i] == 0 ? 0 : 1] |= 1 << i;
            ++count;
        }
        for (uint256 i; i < 2; ++i) {
            if (2 * bits(masks[i]) > count && masks[i] & ~uint256(job.equivocated) != 0) return false;
        }
        return true;
    }

    function bits(uint256 mask) internal pure returns (uint256 count) {
        for (; mask != 0; mask &= mask - 1) ++count;
    }

    function audit(Play memory play, IScheduler.Job memory job) internal {
        if (block.timestamp > job.since + play.request.settleWindow) return;
        if (scheduler.client(theClient).free < 2 * uint256(play.request.maxPrice)) return;
        sealed_(play);
        vm.prank(theClient);
        scheduler.audit(play.request, play.sealed_, SECRET, AUDIT_BPS, "");
    }

    function drawMore(uint256 number) internal {
        Play memory play = load(number);
        IScheduler.Job memory job = scheduler.job(play.jobId);
        (IScheduler.Bid[] memory bids, uint256 count) = eligible(number, play, job.since, 1);
        if (count + job.posted < play.request.replicas + 1) return;
        vm.roll(vm.getBlockNumber() + 10 + play.request.bidBlocks);
        if (block.timestamp <= job.since + play.request.assignWindow / 4) vm.warp(job.since + play.request.assignWindow / 4 + 1);
        vm.recordLogs();
        scheduler.drawMore(play.request, play.roster, bids);
        Log[] memory logs = recorded();
        play.roster = abi.decode(logs[logs.length - 1].data, (IScheduler.Seat[]));
        batchOf(play, 0, tonesOf(play));
        plays[number] = abi.encode(play);
    }

    /// @dev Some bids, while there is time for it.
    function post(uint256 number, uint256 salt, uint8 round) internal {
        Play memory play = load(number);
        IScheduler.Job memory job = scheduler.job(play.jobId);
        if (vm.getBlockNumber() <= job.seedBlock) vm.roll(job.seedBlock + 1);
        bool over = vm.getBlockNumber() > job.seedBlock + play.request.bidBlocks + (round == 0 ? 0 : 3);
        if (over && (round == 0 || block.timestamp > job.since + play.request.assignWindow / 4)) return;
        (IScheduler.Bid[] memory bids, uint256 count) = eligible(number, play, job.since, round);
        IScheduler.Bid[] memory one = new IScheduler.Bid[](1);
        for (uint256 i; i < salt % 5 && count > 0; ++i) {
            one[0] = bids[uint256(keccak256(abi.encode(salt, i))) % bids.length];
            // One that is posted already is passed over; one that was kept off meanwhile may have no stake left.
            if (posted[number][round] >> place(one[0].node) & 1 == 1) continue;
            scheduler.postBids(play.request, play.roster, one);
            posted[number][round] |= 1 << place(one[0].node);
        }
    }

    function place(address account) internal view returns (uint256 i) {
        while (vm.addr(keys[i]) != account) ++i;
    }

    function deposit(uint256 who, uint88 amount) external {
        amount = amount % (10 * COIN_1) + 1;
        uint256 key = keys[who % NODES];
        coin.transfer(vm.addr(key), amount);
        vm.prank(vm.addr(key));
        scheduler.register(amount, "");
    }

    function withdraw(uint256 who, uint88 amount) external {
        address account = vm.addr(keys[who % NODES]);
        uint88 free = scheduler.node(account).free;
        vm.prank(account);
        scheduler.withdraw(true, account, amount % (free / 8 + 1));
    }

    function wait(uint256 howLong) external {
        skip(howLong % 90 minutes);
        vm.roll(vm.getBlockNumber() + 1);
    }

    /* HOW */

    function assign(uint256 number) internal {
        Play memory play = load(number);
        IScheduler.Job memory job = scheduler.job(play.jobId);
        vm.roll(vm.getBlockNumber() + 2 + play.request.bidBlocks);
        (IScheduler.Bid[] memory bids, uint256 count) = eligible(number, play, job.since, 0);
        if (count + job.posted < play.request.replicas) return;
        assigned(play, bids);
        batchOf(play, 0, tonesOf(play));
        plays[number] = abi.encode(play);
    }

    /// @dev Bids of all nodes that could win and have no seat, and of those that posted one, always with the same terms. `count` is how many could win
    /// that posted none.
    function eligible(uint256 number, Play memory play, uint256 since, uint8 round) internal view returns (IScheduler.Bid[] memory bids, uint256 count) {
        bids = new IScheduler.Bid[](NODES);
        uint256 found;
        for (uint256 i; i < NODES; ++i) {
            address account = vm.addr(keys[i]);
            bool has = posted[number][round] >> i & 1 == 1;
            if (!has && !couldWin(play, account, since)) continue;
            if (!has) ++count;
            uint88 price = uint88(uint256(keccak256(abi.encode(play.jobId, i))) % (uint256(play.request.maxPrice) + 1));
            bids[found++] = aClaim(keys[i], play.jobId, price, 0, 0, 0, round);
        }
        assembly {
            mstore(bids, found)
        }
    }

    function couldWin(Play memory play, address account, uint256 since) internal view returns (bool) {
        IScheduler.Party memory party = scheduler.node(account);
        for (uint256 j; j < play.roster.length; ++j) {
            if (play.roster[j].node == account) return false;
        }
        return party.free >= play.request.stake && party.since <= since;
    }

    function commit(Play memory play, IScheduler.Job memory job, uint256 salt) internal {
        uint256 mask = salt & all(play.roster.length) & ~uint256(job.committed);
        IScheduler.SignedCommitment[] memory batch = batchOf(play, mask, tonesOf(play));
        vm.prank(CARRIER);
        scheduler.commit(play.request, play.roster, batch);
    }

    /// @dev Commitments and verdict at once, whatever was posted before.
    function direct(Play memory play, uint256 salt) internal {
        batchOf(play, all(play.roster.length), tonesOf(play));
        settledDirectly(play, salt % 4 == 0 ? uint16(salt >> 8) & all(play.roster.length) : all(play.roster.length));
    }

    function closeBySet(Play memory play) internal {
        batchOf(play, all(play.roster.length), tonesOf(play));
        committedAsSet(play);
    }

    /// @dev Somebody shows that a seat signed two commitments.
    function prove(Play memory play, IScheduler.Job memory job, uint256 salt) internal {
        uint8 index = uint8(salt % play.roster.length);
        if ((job.committed & ~job.equivocated) >> index & 1 == 0) return;
        IScheduler.Pledge[2] memory pledges;
        for (uint256 i; i < 2; ++i) {
            bytes32 commitment = bytes32(i + 1);
            pledges[i].commitments = new bytes32[](1);
            pledges[i].commitments[0] = commitment;
            pledges[i].signature = aCommitment(play.jobId, play.roster, index, commitment).signature;
        }
        scheduler.proveEquivocation(play.request, sealed_(play).sealed_, index, pledges[0], pledges[1]);
    }

    function contest(Play memory play, IScheduler.Job memory job, uint256 salt) internal {
        for (uint256 i; i < play.roster.length; ++i) {
            uint8 index = uint8((salt + i) % play.roster.length);
            if ((job.committed & ~job.agreed & ~job.contested) >> index & 1 == 0) continue;
            if (scheduler.node(play.roster[index].node).free < play.request.maxPrice) continue;
            return contested(play, index);
        }
    }

    function cancel(Play memory play) internal {
        vm.prank(theClient);
        scheduler.cancel(play.request, "");
    }

    function expire(Play memory play) internal {
        vm.prank(CARRIER);
        scheduler.expire(play.request, play.roster);
    }

    function tonesOf(Play memory play) internal pure returns (uint16[] memory tones) {
        tones = new uint16[](play.roster.length);
        for (uint256 i; i < tones.length; ++i) tones[i] = uint16(uint256(keccak256(abi.encode(play.jobId, i))) % 3 / 2 * 30_000);
    }

    /// @dev The sealed roster, as the chain's events tell it: those who committed, by now or by the deadline.
    function settled(Play memory play, uint16 agreed) internal override {
        super.settled(sealed_(play), agreed);
    }

    function opened(Play memory play, uint256 mask) internal override {
        super.opened(sealed_(play), mask);
    }

    function resolved(Play memory play, uint256 mask) internal override {
        super.resolved(sealed_(play), mask);
    }

    function contested(Play memory play, uint8 index) internal override {
        super.contested(sealed_(play), index);
    }

    function sealed_(Play memory play) internal view returns (Play memory) {
        batchOf(play, scheduler.job(play.jobId).committed, tonesOf(play));
        return play;
    }

    /* WHAT MUST HOLD */

    function check() external view {
        assertSolvent();
        uint256 escrow;
        uint256 stakes;
        for (uint256 i; i < plays.length; ++i) {
            Play memory play = load(i);
            IScheduler.Job memory job = scheduler.job(play.jobId);
            if (job.state >= IScheduler.State.Settled && job.state <= IScheduler.State.Expired) {
                assertEq(job.rosterHash, 0, "a final job keeps one slot");
                continue;
            }
            uint256 half = uint256(play.request.maxPrice) * (play.request.replicas + 1);
            escrow += half;
            // Who called for a widening has as much locked again, until it lapses.
            if (job.widening == 1) escrow += half;
            else if (job.widening != 0 && job.widening < 128) stakes += half;
            // And who posted a bid that is kept has its stake.
            stakes += uint256(job.posted) * play.request.stake;
            uint256 seats = job.state == IScheduler.State.Open ? 0 : job.state == IScheduler.State.Assigned ? all(play.roster.length) : job.committed;
            for (uint256 j; j < play.roster.length; ++j) {
                if (seats >> j & 1 == 1) stakes += play.request.stake;
                if (job.contested >> j & 1 == 1) stakes += play.request.maxPrice;
            }
        }
        assertEq(scheduler.client(theClient).locked, escrow, "the client's locked coin is the live escrow");
        uint256 locked;
        for (uint256 i; i < NODES; ++i) {
            locked += scheduler.node(vm.addr(keys[i])).locked;
            assertTrue(scheduler.scoreOf(vm.addr(keys[i]), true) <= 10_000, "score");
        }
        assertEq(locked, stakes, "the nodes' locked coin is the live stakes and bonds");
        assertTrue(scheduler.scoreOf(theClient, false) <= 10_000, "score");
    }

    /// @dev From here, time and a stranger end every job, and everybody takes everything out.
    function end() external {
        for (uint256 i; i < plays.length; ++i) {
            Play memory play = load(i);
            for (uint256 steps; stateOf(play) < IScheduler.State.Settled || stateOf(play) == IScheduler.State.Widening; ++steps) {
                assertTrue(steps < 2, "one call past each deadline, no more");
                IScheduler.Job memory job = scheduler.job(play.jobId);
                uint256 past = job.since + uint256(play.request.settleWindow) + play.request.disputeWindow + play.request.assignWindow + 1;
                if (vm.getBlockTimestamp() < past) vm.warp(past);
                if (job.state <= IScheduler.State.Assigned || job.state == IScheduler.State.Widening) expire(play);
                else resolved(play, job.opened);
            }
        }
        for (uint256 i; i < NODES; ++i) empty(vm.addr(keys[i]), true);
        empty(theClient, false);
        assertEq(coin.balanceOf(address(scheduler)), 0, "nothing is stuck");
    }

    function empty(address account, bool asNode) internal {
        IScheduler.Party memory party = asNode ? scheduler.node(account) : scheduler.client(account);
        assertEq(party.locked, 0, "nothing is locked");
        vm.prank(account);
        scheduler.withdraw(asNode, account, party.free);
    }
}

contract InvariantsTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    bool public constant IS_TEST = true;
    Vm internal constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    Handler internal handler;

    function setUp() public {
        handler = new Handler();
        handler.setUp();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[] memory selectors = new bytes4[](5);
        (selectors[0], selectors[1]) = (Handler.submit.selector, Handler.move.selector);
        (selectors[2], selectors[3], selectors[4]) = (Handler.wait.selector, Handler.deposit.selector, Handler.withdraw.selector);
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    /// @dev Else the invariants would hold of nothing.
    function test_the_handler_finds_jobs_in_every_state() public {
        handler.setLimit(60);
        for (uint256 i; i < 400; ++i) {
            uint256 salt = uint256(keccak256(abi.encode(i)));
            if (i % 5 == 0) handler.submit(salt);
            if (i % 7 == 0) handler.wait(salt);
            handler.move(salt, salt >> 128);
        }
        handler.check();
        handler.end();
        if (handler.seen() != (1 << 10) - 2) revert(string.concat("not every state: ", VM.toString(handler.seen())));
    }

    function invariant_all_coin_is_somebodys_and_scores_are_bounded() public view {
        handler.check();
    }

    function afterInvariant() public {
        handler.end();
    }
}
