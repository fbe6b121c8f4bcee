// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";

/// @dev A direct verdict that names a deviator is other code than one on which all agree: it asks for the same.
contract DissentTest is Life {
    function ready() internal returns (Play memory play, bytes[] memory signatures) {
        play = pledged(3);
        signatures = setSignatures(play);
    }

    function test_reverts_BadSignature_of_the_client() public {
        (Play memory play, bytes[] memory signatures) = ready();
        bytes memory onAll = signVerdict(play.jobId, play.sealed_, 7);
        expectBadSignature(theClient);
        vm.prank(CARRIER);
        scheduler.settleDirect(play.request, play.sealed_, signatures, 3, 0, "report", "");
        expectBadSignature(theClient);
        vm.prank(CARRIER);
        scheduler.settleDirect(play.request, play.sealed_, signatures, 3, 0, "report", onAll);
    }

    function test_reverts_BadSignature_of_a_seat() public {
        (Play memory play, bytes[] memory signatures) = ready();
        signatures[2] = signatures[1];
        expectBadSignature(play.roster[2].node);
        vm.prank(theClient);
        scheduler.settleDirect(play.request, play.sealed_, signatures, 3, 0, "report", "");
    }

    function test_reverts_TooLate() public {
        (Play memory play, bytes[] memory signatures) = ready();
        skip(play.request.commitWindow + 1);
        uint256 deadline = scheduler.job(play.jobId).since + play.request.commitWindow;
        vm.expectRevert(abi.encodeWithSelector(IScheduler.TooLate.selector, deadline));
        vm.prank(theClient);
        scheduler.settleDirect(play.request, play.sealed_, signatures, 3, 0, "report", "");
    }

    function test_reverts_WrongState_a_second_time() public {
        (Play memory play, bytes[] memory signatures) = ready();
        vm.prank(theClient);
        scheduler.settleDirect(play.request, play.sealed_, signatures, 3, 0, "report", "");
        expectWrongState(IScheduler.State.Contestable);
        vm.prank(theClient);
        scheduler.settleDirect(play.request, play.sealed_, signatures, 3, 0, "report", "");
    }
}
