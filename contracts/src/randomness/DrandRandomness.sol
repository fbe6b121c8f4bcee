// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IRandomness} from "../interfaces/IRandomness.sol";

/// @title Filecoin's drand beacon
/// @notice The digest of the drand round of a past epoch, which no block producer can choose or withhold. Null rounds have one too.
/// An epoch's round is out 30 seconds before the epoch: with a delay of two and more nobody knows it when he submits.
contract DrandRandomness is IRandomness {
    /// FIP-0095: a 32-byte epoch in, 32 bytes out; fails for an epoch that has not come.
    address internal constant BEACON = 0xfE00000000000000000000000000000000000006;

    function entropyOf(uint256 blockNumber) external view returns (bytes32 entropy) {
        (bool ok, bytes memory answer) = BEACON.staticcall(abi.encode(blockNumber));
        if (ok && answer.length == 32) entropy = abi.decode(answer, (bytes32));
    }
}
