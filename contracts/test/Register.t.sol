// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Base} from "./Base.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

contract RegisterTest is Base {
    function test_adds_stake_and_emits_the_profile() public {
        IScheduler.Party memory before = scheduler.node(address(this));
        assertEq(before.since, 0, "unknown");
        vm.expectEmit(address(scheduler));
        emit IScheduler.Registered(address(this), 5, "profile");
        scheduler.register(5, "profile");
        IScheduler.Party memory party = scheduler.node(address(this));
        assertEq(party.free, 5, "free");
        assertEq(party.locked, 0, "locked");
        assertEq(party.since, block.timestamp, "since");
        assertEq(coin.balanceOf(address(scheduler)), 1000 * COIN_1 * (NODES + 1) + 5, "balance");
    }

    function test_a_deposit_moves_since_a_new_profile_does_not() public {
        scheduler.register(5, "");
        vm.warp(block.timestamp + 10);
        scheduler.register(0, "new profile");
        assertEq(scheduler.node(address(this)).since, START + 100, "profile");
        scheduler.register(1, "");
        assertEq(scheduler.node(address(this)).since, START + 110, "deposit");
        assertEq(scheduler.node(address(this)).free, 6, "free");
    }

    function test_reverts_without_allowance() public {
        coin.approve(address(scheduler), 0);
        vm.expectRevert();
        scheduler.register(1, "");
    }

    function testFuzz_any_amount(uint88 amount) public {
        amount = uint88(amount % (coin.balanceOf(address(this)) + 1));
        scheduler.register(amount, "");
        assertEq(scheduler.node(address(this)).free, amount, "free");
    }
}
