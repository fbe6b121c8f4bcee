// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";
import {StatementLib} from "../src/libraries/StatementLib.sol";

contract CancelTest is Life {
    function call(Play memory play) internal {
        vm.prank(theClient);
        scheduler.cancel(play.request, "");
    }

    function test_before_the_seed_it_is_free() public {
        Play memory play = submitted(3);
        vm.roll(1001);
        vm.expectEmit(address(scheduler));
        emit IScheduler.Cancelled(play.jobId);
        call(play);
        IScheduler.Party memory purse = scheduler.client(theClient);
        assertEq(stateOf(play), IScheduler.State.Cancelled, "state");
        assertEq(purse.free, 1000 * COIN_1, "refund");
        assertEq(purse.locked, 0, "locked");
        assertEq(purse.bad, 0, "bad");
        assertSolvent();
    }

    function test_after_the_seed_it_costs_reputation() public {
        Play memory play = submitted(3);
        vm.roll(1002);
        call(play);
        assertEq(scheduler.client(theClient).bad, 256, "bad");
        assertEq(scheduler.client(theClient).free, 1000 * COIN_1, "refund");
    }

    function test_carried_by_anyone_with_the_clients_signature() public {
        Play memory play = submitted(3);
        bytes memory signature = sign(CLIENT_KEY, keccak256(abi.encode(StatementLib.CANCEL, play.jobId)));
        vm.prank(CARRIER);
        scheduler.cancel(play.request, signature);
        assertEq(stateOf(play), IScheduler.State.Cancelled, "state");
    }

    function test_reverts_BadSignature() public {
        Play memory play = submitted(3);
        expectBadSignature(theClient);
        vm.prank(CARRIER);
        scheduler.cancel(play.request, "");
        bytes memory signature = sign(CLIENT_KEY, keccak256(abi.encode(StatementLib.CANCEL, keccak256("another job"))));
        expectBadSignature(theClient);
        vm.prank(CARRIER);
        scheduler.cancel(play.request, signature);
    }

    function test_reverts_WrongState() public {
        Play memory play = assigned(3);
        expectWrongState(IScheduler.State.Assigned);
        call(play);
    }
}
