// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @title Signatures of contract wallets (EIP-1271)
library WalletLib {
    /// Gas a wallet may use on one signature. A multisignature of five owners needs about 50,000; without a bound a single bid could burn
    /// what a whole assignment may cost.
    uint256 internal constant GAS = 100_000;

    /// @notice Whether `account` is a contract that takes `signature` for its own. Whatever else the contract does (fail, loop, answer
    /// with megabytes) is a no.
    function approves(address account, bytes32 digest, bytes calldata signature) internal view returns (bool approved) {
        if (account.code.length == 0) return false;
        bytes4 magic = IERC1271.isValidSignature.selector;
        bytes memory question = abi.encodeCall(IERC1271.isValidSignature, (digest, signature));
        assembly ("memory-safe") {
            // No more than one word of the answer is ever copied.
            let ok := staticcall(GAS, account, add(question, 32), mload(question), 0, 32)
            approved := and(ok, and(gt(returndatasize(), 31), eq(mload(0), magic)))
        }
    }
}
