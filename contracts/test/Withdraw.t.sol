// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

contract WithdrawTest is Life {
    address internal constant TO = address(0x70);

    function test_stake_and_purse_are_two() public {
        scheduler.register(3, "");
        scheduler.fund(address(this), 5);
        vm.expectEmit(address(scheduler));
        emit IScheduler.Withdrawn(address(this), true, TO, 3);
        scheduler.withdraw(true, TO, 3);
        expectError(IScheduler.InsufficientFunds.selector, 0, 1);
        scheduler.withdraw(true, TO, 1);
        scheduler.withdraw(false, TO, 5);
        assertEq(coin.balanceOf(TO), 8, "received");
    }

    function test_locked_coin_stays() public {
        Play memory play = assigned(3);
        address account = play.roster[0].node;
        uint88 free = scheduler.node(account).free;
        assertEq(free, 1000 * COIN_1 - STAKE, "free");
        expectError(IScheduler.InsufficientFunds.selector, free, free + 1);
        vm.prank(account);
        scheduler.withdraw(true, TO, free + 1);
        vm.prank(account);
        scheduler.withdraw(true, TO, free);

        uint88 purse = scheduler.client(theClient).free;
        assertEq(purse, 1000 * COIN_1 - 4 * PRICE, "purse");
        expectError(IScheduler.InsufficientFunds.selector, purse, purse + 1);
        vm.prank(theClient);
        scheduler.withdraw(false, TO, purse + 1);
        assertSolvent();
    }

    function test_reverts_to_nobody() public {
        scheduler.register(3, "");
        vm.expectRevert();
        scheduler.withdraw(true, address(0), 3);
    }

    function testFuzz_never_more_than_free(uint88 amount, uint88 wanted) public {
        amount = uint88(amount % (coin.balanceOf(address(this)) + 1));
        scheduler.register(amount, "");
        if (wanted > amount) expectError(IScheduler.InsufficientFunds.selector, amount, wanted);
        scheduler.withdraw(true, TO, wanted);
        assertEq(coin.balanceOf(TO), wanted > amount ? 0 : wanted, "received");
    }
}
