// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

/// @dev The cheatcodes that the driver uses.
interface DriverVm {
    function chainId(uint256 id) external;
    function coinbase(address account) external;
    function deleteStateSnapshots() external;
    function getCode(string calldata artifact) external view returns (bytes memory);
    function parseJsonBool(string calldata json, string calldata key) external pure returns (bool);
    function parseJsonBytesArray(string calldata json, string calldata key) external pure returns (bytes[] memory);
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
    function parseJsonUintArray(string calldata json, string calldata key) external pure returns (uint256[] memory);
    function readFile(string calldata path) external view returns (string memory);
    function revertToState(uint256 id) external returns (bool);
    function snapshotState() external returns (uint256);
    function toString(uint256 value) external pure returns (string memory);
    function writeLine(string calldata path, string calldata line) external;
}

/// @dev Runs other test contracts' tests against one mutant after the other, in one run of forge: to start it takes longer than most mutants live.
/// The plan is contracts/plan.json (see drive.ts); what became of each goes to contracts/progress.txt, a line at a time.
contract DriverTest {
    DriverVm private constant vm = DriverVm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bool public constant IS_TEST = true;
    string private constant PROGRESS = "contracts/progress.txt";
    /// Gas of a test for which none is known, and of a set-up.
    uint256 private constant PLENTY = 20_000_000_000;
    uint256 private constant SET_UP = 1_000_000_000;

    /// What reverting to a snapshot does not bring back.
    uint256 private immutable CHAIN = block.chainid;

    struct Suite {
        bytes code;
        bytes[] calls;
        uint256[] gas;
    }

    function test_mutants() public {
        string memory plan = vm.readFile("contracts/plan.json");
        uint256[] memory mutants = vm.parseJsonUintArray(plan, ".mutants");
        uint256[] memory wanted = vm.parseJsonUintArray(plan, ".wanted");
        bool thorough = vm.parseJsonBool(plan, ".thorough");
        Suite[] memory suites = new Suite[](wanted.length);
        for (uint256 i; i < wanted.length; ++i) {
            string memory key = string.concat(".suites[", vm.toString(wanted[i]), "]");
            suites[i].code = vm.getCode(vm.parseJsonString(plan, string.concat(key, ".artifact")));
            suites[i].calls = vm.parseJsonBytesArray(plan, string.concat(key, ".calls"));
            suites[i].gas = vm.parseJsonUintArray(plan, string.concat(key, ".gas"));
        }
        for (uint256 i; i < mutants.length; ++i) {
            uint256[] memory order = vm.parseJsonUintArray(plan, string.concat(".orders[", vm.toString(i), "]"));
            tell("start", mutants[i], 0, 0, 0);
            vm.coinbase(address(uint160(mutants[i])));
            bool killed;
            for (uint256 j; j < order.length && (thorough || !killed); ++j) killed = fails(mutants[i], order[j], suites[order[j]], thorough) || killed;
            if (!killed) tell("survived", mutants[i], 0, 0, 0);
            vm.deleteStateSnapshots();
        }
    }

    /// @param thorough Whether to go on after a failure, and tell the gas of what passes.
    function fails(uint256 mutant, uint256 number, Suite memory suite, bool thorough) private returns (bool failed) {
        uint256 before = vm.snapshotState();
        vm.chainId(CHAIN);
        bytes memory code = suite.code;
        address test;
        assembly {
            test := create(0, add(code, 32), mload(code))
        }
        (bool ok,) = call(test, abi.encodeWithSignature("setUp()"), SET_UP);
        if (test == address(0) || !ok) {
            tell("killed", mutant, number, suite.calls.length, 0);
            failed = true;
        } else {
            uint256 ready = vm.snapshotState();
            for (uint256 i; i < suite.calls.length && (thorough || !failed); ++i) {
                uint256 gas;
                vm.chainId(CHAIN);
                (ok, gas) = call(test, suite.calls[i], suite.gas.length == 0 ? PLENTY : suite.gas[i]);
                if (!ok) failed = true;
                if (thorough || !ok) tell(ok ? "passed" : "killed", mutant, number, i, gas);
                vm.revertToState(ready);
            }
        }
        vm.revertToState(before);
    }

    /// @dev What is assumed away by a test does not fail it.
    function call(address test, bytes memory data, uint256 limit) private returns (bool ok, uint256 gas) {
        bytes32 answer;
        gas = gasleft();
        assembly {
            mstore(0, 0)
            ok := call(limit, test, 0, add(data, 32), mload(data), 0, 32)
            answer := mload(0)
        }
        gas -= gasleft();
        if (bytes15(answer) == "FOUNDRY::ASSUME") ok = true;
    }

    function tell(string memory what, uint256 mutant, uint256 suite, uint256 number, uint256 gas) private {
        vm.writeLine(PROGRESS, string.concat(what, " ", vm.toString(mutant), " ", vm.toString(suite), " ", vm.toString(number), " ", vm.toString(gas)));
    }
}
