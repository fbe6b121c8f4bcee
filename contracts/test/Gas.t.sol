// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

/// @dev Gas of whole messages: intrinsic cost, calldata and refunds included (isolate makes every call a transaction of its own).
/// forge-config: default.isolate = true
contract GasTest is Life {
    uint256 internal total;
    string internal report;

    function note(string memory name) internal {
        uint256 used = vm.lastCallGas().gasTotalUsed;
        total += used;
        report = string.concat(report, name, " ", vm.toString(used), " refund ", vm.toString(uint256(uint64(vm.lastCallGas().gasRefunded))), "\n");
    }

    function life(uint8 replicas, bool batched, uint16 agreed) internal {
        warmUp(replicas);
        IScheduler.JobRequest memory request = aRequest(replicas);
        request.nonce = 77;
        Play memory play = submitted(request);
        note("submit");
        vm.roll(vm.getBlockNumber() + 2);
        vm.recordLogs();
        IScheduler.Bid[] memory bids = someBids(play.jobId, replicas + 1);
        vm.prank(theClient);
        scheduler.assign(play.request, bids, "");
        note("assign");
        play.roster = lastRoster();
        IScheduler.SignedCommitment[] memory batch = batchOf(play, all(replicas), new uint16[](replicas));
        if (batched) {
            vm.prank(theClient);
            scheduler.commit(play.request, play.roster, batch);
            note("commit");
        } else {
            for (uint256 i; i < replicas; ++i) {
                IScheduler.SignedCommitment[] memory one = new IScheduler.SignedCommitment[](1);
                one[0] = batch[i];
                one[0].signature = "";
                vm.prank(play.roster[i].node);
                scheduler.commit(play.request, play.roster, one);
                note("commit");
            }
        }
        settled(play, agreed);
        note("settle");
        report = string.concat(report, "total ", vm.toString(total));
    }

    /// @dev A finished job, so that all parties have balances and ratings.
    function warmUp(uint8 replicas) internal {
        Play memory play = committed(replicas);
        settled(play, all(replicas));
    }

    function test_three_batched() public { life(3, true, 7); revert(report); }
    function test_three_single() public { life(3, false, 7); revert(report); }
    function test_one_single() public { life(1, false, 1); revert(report); }
    function test_seven_batched() public { life(7, true, 127); revert(report); }
    function test_seven_single() public { life(7, false, 127); revert(report); }
}
