// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {GadusCoin} from "./Base.sol";
import {Widened} from "./Widened.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

/// @dev Makes any calls, once, where it is asked for a permit or to move something, before it does; remembers what came of each. Whoever asks
/// what it signed hears that it did: as a client it is asked for nothing else.
contract CallingBackCoin is ERC20 {
    address internal target;
    bytes[] internal calls;
    bytes[] internal answers;
    bool[] internal results;

    constructor() ERC20("", "") {
        _mint(msg.sender, 2e26);
    }

    function callBack(address target_, bytes[] calldata calls_) external {
        delete answers;
        delete results;
        delete calls;
        target = target_;
        for (uint256 i; i < calls_.length; ++i) calls.push(calls_[i]);
    }

    function called() external view returns (uint256) {
        return answers.length;
    }

    function answerTo(uint256 index) external view returns (bool done, bytes memory answer) {
        return (results[index], answers[index]);
    }

    function permit(address, address, uint256, uint256, uint8, bytes32, bytes32) external {
        _call();
    }

    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return this.isValidSignature.selector;
    }

    function _update(address from, address to, uint256 amount) internal override {
        _call();
        super._update(from, to, amount);
    }

    function _call() internal {
        address callee = target;
        if (callee == address(0)) return;
        target = address(0);
        for (uint256 i; i < calls.length; ++i) {
            (bool done, bytes memory answer) = callee.call(calls[i]);
            results.push(done);
            answers.push(answer);
        }
    }
}

/// @dev The coin is called last, so who comes back through it finds the step done. Here the coin is also the client, so that nothing that it does
/// while it is called fails for want of a signature.
contract ReentrancyTest is Widened {
    /// Of `IScheduler.fund` before a job: nothing is pulled but what a test is about.
    uint88 internal constant ONE_SEAT = 2 * PRICE;

    CallingBackCoin internal calling;
    bytes[] internal steps;

    function setUp() public override {
        super.setUp();
        calling = new CallingBackCoin();
        coin = GadusCoin(address(calling));
        use(deployScheduler(coin, 1, 1 minutes, 30 days));
        vm.warp(START);
        for (uint256 i; i < NODES; ++i) registerNode(keys[i], 1000 * COIN_1);
        vm.warp(START + 100);
        theClient = address(calling);
        calling.transfer(theClient, 1000 * COIN_1);
        vm.prank(theClient);
        calling.approve(address(scheduler), type(uint256).max);
    }

    /* HELPERS */

    function purse(uint88 amount) internal {
        scheduler.fund(theClient, amount);
    }

    function armed() internal {
        calling.callBack(address(scheduler), steps);
        delete steps;
    }

    function refused(uint256 index, bytes memory answer) internal view {
        (bool done, bytes memory actual) = calling.answerTo(index);
        assertTrue(!done, string.concat("step ", vm.toString(index), " was done"));
        assertEq(keccak256(actual), keccak256(answer), string.concat("answer to step ", vm.toString(index)));
    }

    function done_(uint256 index) internal view {
        (bool done,) = calling.answerTo(index);
        assertTrue(done, string.concat("step ", vm.toString(index), " was refused"));
    }

    function wrong(IScheduler.State actual) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IScheduler.WrongState.selector, actual);
    }

    function short(uint256 available, uint256 needed) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IScheduler.InsufficientFunds.selector, available, needed);
    }

    function early(uint256 deadline) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IScheduler.TooEarly.selector, deadline);
    }

    function drawn(uint8 replicas, uint16[] memory t) internal returns (Play memory) {
        return drawn(aRequest(replicas), t);
    }

    function auditOf(Play memory play) internal pure returns (bytes memory) {
        return abi.encodeCall(IScheduler.audit, (play.request, play.sealed_, SECRET, AUDIT_BPS, ""));
    }

    function settleOf(Play memory play, uint16 agreed) internal pure returns (bytes memory) {
        return abi.encodeCall(IScheduler.settle, (play.request, play.sealed_, agreed, 0, "report", ""));
    }

    function withdrawalOf(uint88 amount) internal view returns (bytes memory) {
        return abi.encodeCall(IScheduler.withdraw, (false, theClient, amount));
    }

    /* SUBMIT */

    function test_attack_submit_from_within_submit() public {
        IScheduler.JobRequest memory request = aRequest(1);
        steps.push(abi.encodeCall(IScheduler.submit, (request, "")));
        armed();
        vm.prank(theClient);
        scheduler.submit(request, "");
        refused(0, wrong(IScheduler.State.Open));
        assertEq(scheduler.client(theClient).locked, 2 * PRICE, "locked once");
        assertSolvent();
    }

    /// @dev Coin that has not come yet is booked already, and can be freed; but not taken.
    function test_attack_a_job_is_cancelled_before_its_coin_is_here() public {
        purse(1);
        Play memory other = drawn(1, new uint16[](1));
        IScheduler.JobRequest memory request = aRequest(1);
        request.nonce = 2;
        steps.push(abi.encodeCall(IScheduler.cancel, (request, "")));
        armed();
        vm.prank(theClient);
        scheduler.submit(request, "");
        done_(0);
        assertEq(scheduler.job(scheduler.jobIdOf(request)).state, IScheduler.State.Cancelled, "state");
        assertEq(scheduler.client(theClient).free, 2 * PRICE, "free");
        assertEq(scheduler.client(theClient).locked, 2 * PRICE, "the other job's");
        assertSolvent();
        purseEmptied();
        request.nonce = 3;
        steps.push(abi.encodeCall(IScheduler.cancel, (request, "")));
        steps.push(withdrawalOf(2 * PRICE));
        armed();
        vm.prank(theClient);
        expectError(IScheduler.CoinShort.selector, 0, 2 * PRICE);
        scheduler.submit(request, "");
        assertEq(scheduler.job(scheduler.jobIdOf(request)).state, IScheduler.State.None, "nothing happened");
        assertEq(stateOf(other), IScheduler.State.Committed, "the other job");
        assertSolvent();
    }

    function purseEmptied() internal {
        uint88 free = scheduler.client(theClient).free;
        vm.prank(theClient);
        scheduler.withdraw(false, theClient, free);
    }

    function test_attack_register_from_within_register() public {
        // What comes in meanwhile would be counted twice: as the inner deposit and as a part of the outer one.
        steps.push(abi.encodeCall(IScheduler.register, (5, "")));
        armed();
        vm.expectRevert(abi.encodeWithSelector(IScheduler.CoinShort.selector, 12, 7));
        scheduler.register(7, "");
    }

    /* PERMITS */

    function test_attack_submit_from_within_its_permit() public {
        IScheduler.JobRequest memory request = aRequest(1);
        IScheduler.Permit memory permit;
        steps.push(abi.encodeCall(IScheduler.submit, (request, "")));
        armed();
        vm.prank(theClient);
        expectWrongState(IScheduler.State.Open);
        scheduler.submitWithPermit(request, "", permit);
        assertEq(scheduler.job(scheduler.jobIdOf(request)).state, IScheduler.State.None, "neither");
        assertEq(scheduler.client(theClient).locked, 0, "locked");
        assertEq(calling.balanceOf(theClient), 1000 * COIN_1, "nothing moved");
        // Nor is the step undone that a permit's taker did for another job.
        IScheduler.JobRequest memory another = aRequest(1);
        another.nonce = 2;
        steps.push(abi.encodeCall(IScheduler.submitWithPermit, (another, "", permit)));
        steps.push(abi.encodeCall(IScheduler.fund, (theClient, PRICE)));
        armed();
        vm.prank(theClient);
        scheduler.submitWithPermit(request, "", permit);
        done_(0);
        done_(1);
        assertEq(scheduler.client(theClient).locked, 4 * PRICE, "two jobs");
        assertEq(scheduler.client(theClient).free, 0, "what was funded meanwhile was used");
        assertEq(calling.balanceOf(theClient), 1000 * COIN_1 - 4 * PRICE, "paid once");
        assertSolvent();
    }

    /* WIDENING */

    function test_attack_steps_from_within_an_audit() public {
        purse(ONE_SEAT);
        Play memory play = drawn(1, new uint16[](1));
        steps.push(auditOf(play));
        steps.push(settleOf(play, 1));
        steps.push(abi.encodeCall(IScheduler.cancel, (play.request, "")));
        steps.push(withdrawalOf(1));
        steps.push(abi.encodeCall(IScheduler.expire, (play.request, play.roster)));
        steps.push(abi.encodeCall(IScheduler.drawMore, (play.request, play.roster, laterBids(play))));
        steps.push(abi.encodeCall(IScheduler.postBids, (play.request, play.roster, laterBids(play))));
        armed();
        audited(play);
        refused(0, wrong(IScheduler.State.Widening));
        refused(1, wrong(IScheduler.State.Widening));
        refused(2, wrong(IScheduler.State.Widening));
        refused(3, short(0, 1));
        refused(4, early(vm.getBlockTimestamp() + play.request.assignWindow));
        refused(5, early(vm.getBlockTimestamp() + play.request.assignWindow / 4));
        refused(6, abi.encodeWithSelector(IScheduler.SeedNotYet.selector, vm.getBlockNumber() + 1));
        assertEq(calling.called(), 7, "steps");
        assertEq(scheduler.client(theClient).locked, 4 * PRICE, "locked once");
        assertEq(calling.balanceOf(theClient), 1000 * COIN_1 - 2 * PRICE, "pulled once");
        assertSolvent();
    }

    function test_attack_coin_brought_within_an_audit_is_not_counted_twice() public {
        purse(ONE_SEAT);
        Play memory play = drawn(1, new uint16[](1));
        steps.push(abi.encodeCall(IScheduler.fund, (theClient, PRICE)));
        armed();
        vm.prank(theClient);
        expectError(IScheduler.CoinShort.selector, 3 * PRICE, 2 * PRICE);
        scheduler.audit(play.request, play.sealed_, SECRET, AUDIT_BPS, "");
        assertEq(stateOf(play), IScheduler.State.Committed, "as before");
        assertEq(scheduler.client(theClient).locked, 2 * PRICE, "locked");
        assertSolvent();
    }

    function test_attack_steps_from_within_a_summons() public {
        purse(3 * PRICE);
        uint16[] memory t = new uint16[](5);
        t[1] = FAR;
        Play memory play = drawn(2, t);
        skip(play.request.settleWindow + 1);
        opened(play, 3);
        IScheduler.Opening[] memory openings = openingsOf(play, 3);
        steps.push(abi.encodeCall(IScheduler.summon, (play.request, play.sealed_, openings, theClient, "")));
        steps.push(abi.encodeCall(IScheduler.resolve, (play.request, play.sealed_, openings)));
        steps.push(abi.encodeCall(IScheduler.open, (play.request, play.sealed_, openings)));
        steps.push(abi.encodeCall(IScheduler.expire, (play.request, play.roster)));
        steps.push(withdrawalOf(1));
        armed();
        vm.prank(theClient);
        scheduler.summon(play.request, play.sealed_, openings, theClient, "");
        for (uint256 i; i < 3; ++i) refused(i, wrong(IScheduler.State.Widening));
        refused(3, early(vm.getBlockTimestamp() + play.request.assignWindow));
        refused(4, short(0, 1));
        assertEq(scheduler.client(theClient).locked, 6 * PRICE, "locked once");
        assertEq(calling.balanceOf(theClient), 1000 * COIN_1 - 3 * PRICE, "pulled once");
        assertSolvent();
    }

    /// @dev Newcomers' stakes are locked, and the caller's lock is given back, within the scheduler: the coin is not asked.
    function test_drawing_more_and_giving_it_up_do_not_call_the_coin() public {
        purse(4 * ONE_SEAT);
        Play memory play = drawn(requestOf(1), new uint16[](1));
        audited(play);
        skip(play.request.assignWindow + 1);
        steps.push(withdrawalOf(0));
        armed();
        scheduler.expire(play.request, play.roster);
        assertEq(scheduler.client(theClient).free, 6 * PRICE, "back");
        play = drawn(requestOf(2), new uint16[](1));
        audited(play);
        widened(play, new uint16[](3));
        assertEq(calling.called(), 0, "calls");
        assertEq(scheduler.client(theClient).free, 2 * PRICE, "locked");
        assertSolvent();
    }

    function requestOf(uint64 nonce) internal view returns (IScheduler.JobRequest memory request) {
        (request = aRequest(1)).nonce = nonce;
    }

    function newcomers(Play memory play, uint16[] memory t) internal view returns (IScheduler.SignedCommitment[] memory batch) {
        batch = batchOf(play, 6, t);
        batchOf(play, 7, t);
    }

    function test_attack_steps_from_within_the_burning_at_the_end_of_a_widened_job() public {
        purse(2 * ONE_SEAT);
        uint16[] memory t = new uint16[](3);
        t[0] = FAR;
        Play memory play = drawn(1, t);
        audited(play);
        widened(play, t);
        scheduler.commit(play.request, play.roster, newcomers(play, t));
        // The client is silent: what the deviating seat loses is burnt.
        skip(play.request.settleWindow + 1);
        opened(play, 7);
        IScheduler.Opening[] memory openings = openingsOf(play, 7);
        steps.push(abi.encodeCall(IScheduler.resolve, (play.request, play.sealed_, openings)));
        steps.push(abi.encodeCall(IScheduler.summon, (play.request, play.sealed_, openings, theClient, "")));
        steps.push(settleOf(play, 6));
        steps.push(abi.encodeCall(IScheduler.expire, (play.request, play.roster)));
        steps.push(auditOf(play));
        // One price that nobody earned; the bond and the newcomers' prices are gone.
        steps.push(withdrawalOf(PRICE));
        steps.push(withdrawalOf(1));
        armed();
        resolved(play, 7);
        for (uint256 i; i < 5; ++i) refused(i, wrong(IScheduler.State.Settled));
        done_(5);
        refused(6, short(0, 1));
        assertEq(calling.balanceOf(GRAVE), STAKE / 2, "burnt once");
        assertEq(calling.balanceOf(theClient), 1000 * COIN_1 + PRICE, "refunded once");
        assertEq(scheduler.client(theClient).locked, 0, "unlocked");
        assertSolvent();
    }

    function test_attack_resolve_from_within_the_burning() public {
        purse(ONE_SEAT);
        Play memory play = drawn(1, new uint16[](1));
        // The client is silent and nobody opens: its bond and the no-show part are burnt.
        skip(play.request.settleWindow + play.request.disputeWindow + play.request.assignWindow + 1);
        steps.push(abi.encodeCall(IScheduler.resolve, (play.request, play.sealed_, new IScheduler.Opening[](0))));
        armed();
        resolved(play, 0);
        refused(0, wrong(IScheduler.State.Settled));
        assertEq(calling.balanceOf(GRAVE), PRICE + STAKE / 4, "burnt once");
        assertSolvent();
    }

    /* SEVERAL STEPS IN ONE MESSAGE */

    function test_attack_a_batch_from_within_a_batch() public {
        IScheduler.JobRequest memory request = aRequest(1);
        IScheduler.JobRequest memory another = aRequest(1);
        another.nonce = 2;
        bytes[] memory batch = new bytes[](2);
        batch[0] = abi.encodeCall(IScheduler.submit, (request, ""));
        batch[1] = abi.encodeCall(IScheduler.submit, (another, ""));
        purse(3 * PRICE);
        // The first is paid out of the purse, the second pulls: from within that neither can be submitted again, nor is one half of the inner
        // batch done.
        bytes[] memory inner = new bytes[](2);
        inner[0] = abi.encodeCall(IScheduler.cancel, (request, ""));
        inner[1] = batch[1];
        steps.push(abi.encodeCall(IScheduler.multicall, (inner)));
        steps.push(abi.encodeCall(IScheduler.multicall, (batch)));
        armed();
        vm.prank(theClient);
        scheduler.multicall(batch);
        refused(0, wrong(IScheduler.State.Open));
        refused(1, wrong(IScheduler.State.Open));
        assertEq(scheduler.job(scheduler.jobIdOf(request)).state, IScheduler.State.Open, "first");
        assertEq(scheduler.job(scheduler.jobIdOf(another)).state, IScheduler.State.Open, "second");
        assertEq(scheduler.client(theClient).locked, 4 * PRICE, "locked once each");
        assertEq(calling.balanceOf(theClient), 1000 * COIN_1 - PRICE, "pulled once");
        assertSolvent();
    }

    function test_attack_a_later_step_of_a_batch_is_done_first() public {
        IScheduler.JobRequest memory request = aRequest(1);
        IScheduler.JobRequest memory another = aRequest(1);
        another.nonce = 2;
        bytes[] memory batch = new bytes[](2);
        batch[0] = abi.encodeCall(IScheduler.submit, (request, ""));
        batch[1] = abi.encodeCall(IScheduler.submit, (another, ""));
        // The inner one pulls, too: what it brings would be counted twice.
        steps.push(batch[1]);
        armed();
        vm.prank(theClient);
        expectError(IScheduler.CoinShort.selector, 4 * PRICE, 2 * PRICE);
        scheduler.multicall(batch);
        assertEq(calling.balanceOf(theClient), 1000 * COIN_1, "nothing moved");
        assertEq(scheduler.client(theClient).locked, 0, "locked");
    }

    function test_attack_withdrawals_of_a_batch_pay_once() public {
        purse(3 * PRICE);
        bytes[] memory batch = new bytes[](2);
        batch[0] = withdrawalOf(2 * PRICE);
        batch[1] = withdrawalOf(PRICE);
        steps.push(withdrawalOf(2 * PRICE));
        steps.push(abi.encodeCall(IScheduler.multicall, (batch)));
        armed();
        vm.prank(theClient);
        scheduler.multicall(batch);
        refused(0, short(PRICE, 2 * PRICE));
        refused(1, short(PRICE, 2 * PRICE));
        assertEq(calling.balanceOf(theClient), 1000 * COIN_1 + 3 * PRICE, "paid once");
        assertSolvent();
        // Its second step done within its first: then the batch fails as a whole.
        purse(3 * PRICE);
        steps.push(batch[1]);
        armed();
        vm.prank(theClient);
        expectError(IScheduler.InsufficientFunds.selector, 0, PRICE);
        scheduler.multicall(batch);
        assertEq(scheduler.client(theClient).free, 3 * PRICE, "as before");
        assertSolvent();
    }
}
