// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IRandomness} from "../src/interfaces/IRandomness.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

contract RandomnessTest is Life {
    address internal constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
    address internal constant BEACON = 0xfE00000000000000000000000000000000000006;
    /// Returns keccak256 of its 32 bytes of input.
    bytes internal constant ORACLE = hex"60205f5f3760205f205f5260205ff3";

    function test_block_hashes_now_and_from_the_history() public {
        IRandomness hashes = IRandomness(deployRandomness("BlockHash"));
        vm.setBlockhash(999, "hash");
        assertEq(hashes.entropyOf(999), "hash", "recent");
        assertEq(hashes.entropyOf(1000), 0, "not this block's");
        vm.etch(HISTORY, ORACLE);
        assertEq(hashes.entropyOf(1000), 0, "not this block's");
        assertEq(hashes.entropyOf(5000), 0, "nor one to come");
        vm.roll(5000);
        assertEq(hashes.entropyOf(999), keccak256(abi.encode(999)), "from the history");
        // A history that fails, or answers with something else, is none.
        vm.etch(HISTORY, hex"5f5ffd");
        assertEq(hashes.entropyOf(999), 0, "reverts");
        vm.etch(HISTORY, hex"60405ff3");
        assertEq(hashes.entropyOf(999), 0, "two words");
    }

    function test_the_beacon_as_far_as_it_goes() public {
        IRandomness beacon = IRandomness(deployRandomness("Drand"));
        assertEq(beacon.entropyOf(5), 0, "no precompile");
        vm.etch(BEACON, ORACLE);
        assertEq(beacon.entropyOf(5), keccak256(abi.encode(5)), "digest");
        vm.etch(BEACON, hex"5f5ffd");
        assertEq(beacon.entropyOf(5), 0, "an epoch to come");
    }

    /// @dev The exit of a job whose seed nobody drew in time: refund, at the client's name if it let it happen.
    function test_a_missed_seed_ends_in_a_refund() public {
        Play memory play = submitted(3);
        IScheduler.Bid[] memory bids = someBids(play.jobId, 4);
        uint256 seedBlock = scheduler.job(play.jobId).seedBlock;
        vm.roll(seedBlock + 257);
        expectError(IScheduler.SeedGone.selector, seedBlock);
        vm.prank(theClient);
        scheduler.assign(play.request, bids, "");
        skip(play.request.assignWindow + 1);
        vm.prank(CARRIER);
        scheduler.expire(play.request, new IScheduler.Seat[](0));
        assertEq(stateOf(play), IScheduler.State.Cancelled, "state");
        assertEq(scheduler.client(theClient).free, 1000 * COIN_1, "refund");
        assertEq(scheduler.client(theClient).bad, 256, "rated: else a client could let a draw lapse that it does not like");
        assertSolvent();
    }
}
