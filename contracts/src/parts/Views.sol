// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IScheduler} from "../interfaces/IScheduler.sol";
import {StatementLib} from "../libraries/StatementLib.sol";
import {TermsLib} from "../libraries/TermsLib.sol";
import {Steps} from "./Steps.sol";

/// @title What the scheduler tells of jobs
/// @dev Documentation is in IScheduler.
abstract contract Views is IScheduler, Steps {
    using TermsLib for JobRequest;

    function coin() external view returns (address) {
        return address(COIN);
    }

    function jobIdOf(JobRequest calldata request) public view returns (bytes32) {
        return _hashTypedDataV4(StatementLib.jobRequest(request));
    }

    function job(bytes32 jobId) external view returns (Job memory) {
        return _jobs[jobId];
    }

    function seedOf(bytes32 jobId) external view returns (bytes32) {
        return _seed(jobId, _jobs[jobId].seedBlock);
    }

    function firstSeedOf(bytes32 jobId) external view returns (bytes32) {
        return _seed(jobId, _firstSeedBlock(_jobs[jobId]));
    }

    function reachOf(JobRequest calldata request, uint256 elapsed) external pure returns (uint256) {
        return request.reachAfter(elapsed);
    }

    function commitmentAt(bytes32 jobId, uint8 index) external view returns (bytes32) {
        return _commitments[jobId][index];
    }
}
