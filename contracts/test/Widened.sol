// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

/// @dev Carries a job through an audit or a panel: from k to 2k + 1 seats.
abstract contract Widened is Life {
    /// A tone that is unlike 0.
    uint16 internal constant FAR = 30_000;

    function tones(uint16 a, uint16 b, uint16 c, uint16 d, uint16 e) internal pure returns (uint16[] memory t) {
        t = new uint16[](5);
        (t[0], t[1], t[2], t[3], t[4]) = (a, b, c, d, e);
    }

    /// @dev Committed, all bids at PRICE; the nodes are keys[0] to keys[replicas - 1].
    function drawn(IScheduler.JobRequest memory request, uint16[] memory t) internal returns (Play memory play) {
        uint8 replicas = request.replicas;
        play = submitted(request);
        vm.roll(vm.getBlockNumber() + 2);
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](replicas);
        for (uint256 i; i < replicas; ++i) bids[i] = aBid(keys[i], play.jobId, PRICE);
        assigned(play, bids);
        committed(play, all(replicas), t);
    }

    function audited(Play memory play) internal {
        vm.prank(theClient);
        scheduler.audit(play.request, play.sealed_, SECRET, AUDIT_BPS, "");
    }

    function summoned(Play memory play, address caller) internal {
        IScheduler.Opening[] memory openings = openingsOf(play, all(play.roster.length));
        vm.prank(caller);
        scheduler.summon(play.request, play.sealed_, openings, caller, "");
    }

    /// @dev For newcomers: of nodes keys[from] on.
    function laterBids(Play memory play, uint256 from, uint256 count) internal view returns (IScheduler.Bid[] memory bids) {
        bids = new IScheduler.Bid[](count);
        for (uint256 i; i < count; ++i) bids[i] = aLaterBid(keys[from + i], play.jobId, PRICE);
    }

    /// @dev As many as there are to draw, of nodes that have no seat.
    function laterBids(Play memory play) internal view returns (IScheduler.Bid[] memory) {
        return laterBids(play, play.request.replicas, play.request.replicas + 1);
    }

    function drawable(Play memory play) internal {
        vm.roll(vm.getBlockNumber() + 10);
        skip(play.request.assignWindow / 4 + 1);
    }

    function drawMore(Play memory play, IScheduler.Bid[] memory bids) internal {
        vm.prank(CARRIER);
        scheduler.drawMore(play.request, play.roster, bids);
    }

    /// @dev Assigned again, with newcomers; their openings have the tones that follow.
    function widened(Play memory play, uint16[] memory t) internal {
        drawable(play);
        IScheduler.Bid[] memory bids = laterBids(play);
        vm.recordLogs();
        drawMore(play, bids);
        Log[] memory logs = recorded();
        assertEq(logs[logs.length - 1].topic, IScheduler.Widened.selector, "event");
        play.roster = abi.decode(logs[logs.length - 1].data, (IScheduler.Seat[]));
        batchOf(play, all(play.roster.length), t);
    }

    /// @dev Committed by the newcomers in `mask`.
    function newcomersCommit(Play memory play, uint256 mask, uint16[] memory t) internal {
        IScheduler.SignedCommitment[] memory batch = batchOf(play, mask, t);
        scheduler.commit(play.request, play.roster, batch);
        batchOf(play, mask | all(play.request.replicas), t);
    }
}
