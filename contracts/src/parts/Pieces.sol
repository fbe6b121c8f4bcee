// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IScheduler} from "../interfaces/IScheduler.sol";
import {Checks} from "../Checks.sol";
import {Disputes} from "../Disputes.sol";
import {Ledger} from "./Ledger.sol";

/// @title Steps whose code is another contract's
/// @dev Documentation is in IScheduler.
abstract contract Pieces is IScheduler, Ledger {
    /// The code of the steps that few jobs need, in two pieces: one contract may not be longer than 24,576 bytes.
    Disputes public immutable DISPUTES;
    Checks public immutable CHECKS;

    constructor(Disputes disputes, Checks checks) {
        require(_isPiece(disputes) && _isPiece(checks));
        (DISPUTES, CHECKS) = (disputes, checks);
    }

    function _isPiece(Ledger code) private view returns (bool) {
        return address(code.COIN()) == address(COIN) && address(code.RANDOMNESS()) == address(RANDOMNESS) && code.SEED_DELAY() == SEED_DELAY;
    }

    function postBids(JobRequest calldata, Seat[] calldata, Bid[] calldata) external {
        _delegate(CHECKS);
    }

    function drawMore(JobRequest calldata, Seat[] calldata, Bid[] calldata) external {
        _delegate(CHECKS);
    }

    function audit(JobRequest calldata, SealedSeat[] calldata, bytes32, uint16, bytes calldata) external {
        _delegate(CHECKS);
    }

    function summon(JobRequest calldata, SealedSeat[] calldata, Opening[] calldata, address, bytes calldata) external {
        _delegate(DISPUTES);
    }

    function commitSet(JobRequest calldata, SealedSeat[] calldata, bytes32[] calldata, bytes[] calldata) external {
        _delegate(DISPUTES);
    }

    function proveEquivocation(JobRequest calldata, SealedSeat[] calldata, uint8, Pledge calldata, Pledge calldata) external {
        _delegate(CHECKS);
    }

    function proveFalseClaim(JobRequest calldata, SealedSeat[] calldata, uint8, Bid calldata, bytes[] calldata, bytes32[][] calldata) external {
        _delegate(CHECKS);
    }

    function contest(JobRequest calldata, SealedSeat[] calldata, Opening calldata, bytes calldata) external {
        _delegate(DISPUTES);
    }

    function open(JobRequest calldata, SealedSeat[] calldata, Opening[] calldata) external {
        _delegate(DISPUTES);
    }

    function resolve(JobRequest calldata, SealedSeat[] calldata, Opening[] calldata) external {
        _delegate(DISPUTES);
    }

    function expire(JobRequest calldata, Seat[] calldata) external {
        _delegate(CHECKS);
    }

    function cancel(JobRequest calldata, bytes calldata) external {
        _delegate(CHECKS);
    }

    function sketchDistance(bytes calldata a, bytes calldata b) external view returns (uint256 distance, uint256 strict) {
        return DISPUTES.sketchDistance(a, b);
    }

    /// @dev Runs the same function of another piece of code on this contract's storage.
    function _delegate(Ledger code) internal {
        assembly ("memory-safe") {
            let p := mload(0x40)
            calldatacopy(p, 0, calldatasize())
            if iszero(delegatecall(gas(), code, p, calldatasize(), 0, 0)) {
                returndatacopy(p, 0, returndatasize())
                revert(p, returndatasize())
            }
        }
    }
}
