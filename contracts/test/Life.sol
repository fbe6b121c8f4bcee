// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Base, VmLog} from "./Base.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

/// @dev Carries a job from state to state. Sketches: a job is given one "tone" a seat; seats of the same tone are alike.
abstract contract Life is Base {
    struct Play {
        IScheduler.JobRequest request;
        bytes32 jobId;
        IScheduler.Seat[] roster;
        /// The roster with its commitments, as every call from Committed on repeats it.
        IScheduler.SealedSeat[] sealed_;
        IScheduler.Opening[] openings;
    }

    function submitted(IScheduler.JobRequest memory request) internal virtual returns (Play memory play) {
        play.request = request;
        play.jobId = scheduler.jobIdOf(request);
        vm.prank(theClient);
        scheduler.submit(request, "");
    }

    function submitted(uint8 replicas) internal returns (Play memory) {
        return submitted(aRequest(replicas));
    }

    function post(Play memory play, IScheduler.Bid memory bid) internal {
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](1);
        bids[0] = bid;
        vm.prank(CARRIER);
        scheduler.postBids(play.request, new IScheduler.Seat[](0), bids);
    }

    /// @dev One bid more than replicas.
    function assigned(Play memory play) internal {
        vm.roll(vm.getBlockNumber() + 2);
        vm.warp(vm.getBlockTimestamp() + 30);
        assigned(play, someBids(play.jobId, play.request.replicas + 1));
    }

    function assigned(Play memory play, IScheduler.Bid[] memory bids) internal virtual {
        vm.recordLogs();
        vm.prank(theClient);
        scheduler.assign(play.request, bids, "");
        play.roster = lastRoster();
    }

    function assigned(uint8 replicas) internal returns (Play memory play) {
        play = submitted(replicas);
        assigned(play);
    }

    function lastRoster() internal returns (IScheduler.Seat[] memory) {
        Log[] memory logs = recorded();
        for (uint256 i = logs.length; i > 0; --i) {
            if (logs[i - 1].topic == IScheduler.Assigned.selector) return abi.decode(logs[i - 1].data, (IScheduler.Seat[]));
        }
        revert("no roster");
    }

    struct Log {
        bytes32 topic;
        bytes data;
    }

    function recorded() internal returns (Log[] memory logs) {
        VmLog[] memory raw = vm.getRecordedLogs();
        logs = new Log[](raw.length);
        for (uint256 i; i < raw.length; ++i) {
            logs[i] = Log(raw[i].topics[0], raw[i].data);
        }
    }

    /* COMMITMENTS */

    /// @dev The largest difference of tones that are alike, strictly or not.
    function reach(bool strictly) internal view returns (uint16 low) {
        uint16 high = 30_000;
        bytes memory silence = sketchOf(0);
        while (high - low > 1) {
            uint16 middle = (low + high) / 2;
            (uint256 distance, uint256 strict) = scheduler.sketchDistance(silence, sketchOf(middle));
            if ((strictly ? strict : distance) <= 1000) low = middle;
            else high = middle;
        }
    }

    /// @dev A well formed sketch whose features all have the value `tone`.
    function sketchOf(uint16 tone) internal pure returns (bytes memory sketch) {
        sketch = new bytes(251);
        sketch[0] = 0x02;
        for (uint256 i = 1; i < 243; i += 2) {
            (sketch[i], sketch[i + 1]) = (bytes1(uint8(tone >> 8)), bytes1(uint8(tone)));
        }
    }

    function openingOf(uint8 index, uint16 tone) internal pure returns (IScheduler.Opening memory) {
        return IScheduler.Opening({
            index: index,
            resultDigest: keccak256(abi.encode("result", tone)),
            evidenceDigest: keccak256(abi.encode("evidence", index, tone)),
            salt: keccak256(abi.encode("salt", index)),
            sketch: sketchOf(tone),
            proof: new bytes32[](0)
        });
    }

    /// @dev Commits every seat in `mask`, in one batch; seat i has the tone tones[i].
    function committed(Play memory play, uint256 mask, uint16[] memory tones) internal {
        IScheduler.SignedCommitment[] memory batch = batchOf(play, mask, tones);
        vm.prank(CARRIER);
        scheduler.commit(play.request, play.roster, batch);
    }

    function committed(uint8 replicas) internal returns (Play memory play) {
        play = assigned(replicas);
        committed(play, all(replicas), new uint16[](replicas));
    }

    /// @dev Committed by a part of the seats, the rest having let the window pass.
    function committedAfterWindow(Play memory play, uint256 mask, uint16[] memory tones) internal {
        committed(play, mask, tones);
        if (mask == all(play.roster.length)) return;
        skip(play.request.commitWindow + 1);
        vm.prank(CARRIER);
        scheduler.expire(play.request, play.roster);
    }

    /// @dev Contestable: the client rejected the seats outside of `agreed`.
    function contestable(uint8 replicas, uint16 agreed, uint16[] memory tones) internal returns (Play memory play) {
        play = assigned(replicas);
        committed(play, all(replicas), tones);
        settled(play, agreed);
    }

    function batchOf(Play memory play, uint256 mask, uint16[] memory tones)
        internal
        view
        returns (IScheduler.SignedCommitment[] memory batch)
    {
        play.openings = new IScheduler.Opening[](play.roster.length);
        play.sealed_ = new IScheduler.SealedSeat[](play.roster.length);
        uint256 count;
        for (uint8 i; i < play.roster.length; ++i) {
            play.openings[i] = openingOf(i, tones[i]);
            bytes32 commitment;
            if (mask >> i & 1 == 1) {
                ++count;
                commitment = commitmentOf(play, i, tones[i]);
            }
            play.sealed_[i] = IScheduler.SealedSeat(play.roster[i].node, play.roster[i].price, commitment);
        }
        batch = new IScheduler.SignedCommitment[](count);
        for (uint8 i = uint8(play.roster.length); i > 0; --i) {
            if (mask >> (i - 1) & 1 == 0) continue;
            batch[--count] = aCommitment(play.jobId, play.roster, i - 1, play.sealed_[i - 1].commitment);
        }
    }

    /// @dev What a seat commits to whose opening is at hand. Of shards another, which has all their sketches in it.
    function commitmentOf(Play memory play, uint8 index, uint16) internal pure virtual returns (bytes32) {
        return sealedHash(play.jobId, play.roster[index].node, play.openings[index]);
    }

    /// @dev Every seat's signature over the set.
    function setSignatures(Play memory play) internal view returns (bytes[] memory signatures) {
        signatures = new bytes[](play.sealed_.length);
        for (uint256 i; i < signatures.length; ++i) signatures[i] = signSet(play.jobId, play.sealed_, i);
    }

    /// @dev Assigned, with commitments at hand that are nowhere on chain.
    function pledged(uint8 replicas, uint16[] memory tones) internal returns (Play memory play) {
        play = assigned(replicas);
        batchOf(play, all(replicas), tones);
    }

    function pledged(uint8 replicas) internal returns (Play memory) {
        return pledged(replicas, new uint16[](replicas));
    }

    function settledDirectly(Play memory play, uint16 agreed) internal virtual {
        bytes[] memory signatures = setSignatures(play);
        vm.prank(theClient);
        scheduler.settleDirect(play.request, play.sealed_, signatures, agreed, 0, "report", "");
    }

    /// @dev The set, carried by anybody.
    function committedAsSet(Play memory play) internal virtual {
        bytes[] memory signatures = setSignatures(play);
        vm.prank(CARRIER);
        scheduler.commitSet(play.request, play.sealed_, new bytes32[](0), signatures);
    }

    function settled(Play memory play, uint16 agreed) internal virtual {
        vm.prank(theClient);
        scheduler.settle(play.request, play.sealed_, agreed, 0, "report", "");
    }

    /// @dev The openings of the seats in `mask`, in order.
    function openingsOf(Play memory play, uint256 mask) internal pure returns (IScheduler.Opening[] memory chosen) {
        uint256 count;
        for (uint256 i; i < play.roster.length; ++i) {
            if (mask >> i & 1 == 1) ++count;
        }
        chosen = new IScheduler.Opening[](count);
        count = 0;
        for (uint256 i; i < play.roster.length; ++i) {
            if (mask >> i & 1 == 1) chosen[count++] = play.openings[i];
        }
    }

    function contested(Play memory play, uint8 index) internal virtual {
        vm.prank(play.roster[index].node);
        scheduler.contest(play.request, play.sealed_, play.openings[index], "");
    }

    function opened(Play memory play, uint256 mask) internal virtual {
        IScheduler.Opening[] memory openings = openingsOf(play, mask);
        vm.prank(CARRIER);
        scheduler.open(play.request, play.sealed_, openings);
    }

    function resolved(Play memory play, uint256 mask) internal virtual {
        IScheduler.Opening[] memory openings = openingsOf(play, mask);
        vm.prank(CARRIER);
        scheduler.resolve(play.request, play.sealed_, openings);
    }

    function all(uint256 replicas) internal pure returns (uint16) {
        return uint16((1 << replicas) - 1);
    }

    function skip(uint256 howLong) internal {
        vm.warp(vm.getBlockTimestamp() + howLong);
    }

    function stateOf(Play memory play) internal view returns (IScheduler.State) {
        return scheduler.job(play.jobId).state;
    }
}
