// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";
import {StatementLib} from "../src/libraries/StatementLib.sol";

struct VmLog {
    bytes32[] topics;
    bytes data;
    address emitter;
}

/// @dev The cheatcodes these tests use. forge-std is not on npm, and this is all of it that is needed.
interface Vm {
    struct Gas {
        uint64 gasLimit;
        uint64 gasTotalUsed;
        uint64 gasMemoryUsed;
        int64 gasRefunded;
        uint64 gasRemaining;
    }

    function addr(uint256 privateKey) external pure returns (address);
    function assume(bool condition) external pure;
    function chainId(uint256 id) external;
    function deal(address account, uint256 balance) external;
    function etch(address target, bytes calldata code) external;
    function deployCode(string calldata artifact, bytes calldata arguments) external returns (address);
    function expectEmit() external;
    function expectEmit(address emitter) external;
    function expectRevert() external;
    function expectRevert(bytes calldata data) external;
    function getRecordedLogs() external returns (VmLog[] memory);
    function label(address account, string calldata name) external;
    function lastCallGas() external view returns (Gas memory);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonBytesArray(string calldata json, string calldata key) external pure returns (bytes[] memory);
    function parseJsonBytes32Array(string calldata json, string calldata key) external pure returns (bytes32[] memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonUintArray(string calldata json, string calldata key) external pure returns (uint256[] memory);
    function getBlockNumber() external view returns (uint256);
    function getBlockTimestamp() external view returns (uint256);
    function keyExistsJson(string calldata json, string calldata key) external view returns (bool);
    function prank(address sender) external;
    function readFile(string calldata path) external view returns (string memory);
    function recordLogs() external;
    function revertToState(uint256 snapshot) external returns (bool);
    function roll(uint256 number) external;
    function setBlockhash(uint256 number, bytes32 hash) external;
    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function snapshotState() external returns (uint256);
    function toString(uint256 value) external pure returns (string memory);
    function warp(uint256 timestamp) external;
    function writeFile(string calldata path, string calldata data) external;
    function envOr(string calldata name, bool otherwise) external view returns (bool);
}

/// @dev The scheduler as deployed. The tests know it and the coin by interface only: so neither is compiled with them, where they would
/// be optimized anew for every test contract.
interface Scheduler is IScheduler, IERC5267 {
    function COIN() external view returns (address);
    function RANDOMNESS() external view returns (address);
    function DISPUTES() external view returns (address);
    function CHECKS() external view returns (address);
    function SEED_DELAY() external view returns (uint256);
    function MIN_WINDOW() external view returns (uint256);
    function MAX_WINDOW() external view returns (uint256);
    function MAX_REPLICAS() external view returns (uint256);
    function MAX_BIDS() external view returns (uint256);
    function NO_SHOW_BPS() external view returns (uint256);
    function CHECK_BPS() external view returns (uint256);
    function INFORMER_BPS() external view returns (uint256);
    function WIDENING_BLOCKS() external view returns (uint256);
}

interface GadusCoin is IERC20, IERC20Permit {
    function burn(uint256 amount) external;
    function SUPPLY() external view returns (uint256);
}

/// @dev A scheduler with a coin, four clients' worth of helpers, and nodes whose keys the tests know.
abstract contract Base {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bool public constant IS_TEST = true;

    uint88 internal constant COIN_1 = 1e18;
    uint88 internal constant PRICE = 10e18;
    uint88 internal constant STAKE = 40e18;
    uint256 internal constant START = 1_790_000_000;
    bytes32 internal constant SECRET = keccak256("secret");
    /// Every job of one seat is drawn for an audit.
    uint16 internal constant AUDIT_BPS = 10_000;
    uint256 internal constant CLIENT_KEY = 0xC11E47;
    uint256 internal constant NODES = 16;
    address internal constant GRAVE = 0x000000000000000000000000000000000000dEaD;
    /// Somebody who is no party.
    address internal constant CARRIER = address(0xCA221E2);

    GadusCoin internal coin;
    Scheduler internal scheduler;
    bytes32 internal domain;
    address internal theClient;
    /// Keys of registered nodes, in ascending order of address.
    uint256[] internal keys;

    function setUp() public virtual {
        vm.warp(START);
        vm.roll(1000);
        coin = deployCoin();
        use(deployScheduler(coin, 1, 1 minutes, 30 days));
        theClient = vm.addr(CLIENT_KEY);
        scheduler.fund(theClient, 1000 * COIN_1);
        for (uint256 i; i < NODES; ++i) {
            keys.push(uint256(keccak256(abi.encode("node", i))));
            for (uint256 j = i; j > 0 && vm.addr(keys[j]) < vm.addr(keys[j - 1]); --j) {
                (keys[j], keys[j - 1]) = (keys[j - 1], keys[j]);
            }
        }
        for (uint256 i; i < NODES; ++i) {
            registerNode(keys[i], 1000 * COIN_1);
        }
        vm.warp(START + 100);
    }

    /// @dev Statements are for this scheduler from now on, which may take our coin.
    function use(Scheduler scheduler_) internal {
        scheduler = scheduler_;
        domain = domainOf(block.chainid, address(scheduler_));
        coin.approve(address(scheduler_), type(uint256).max);
    }

    function domainOf(uint256 chain, address where) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Gadus"),
                keccak256("1"),
                chain,
                where
            )
        );
    }

    function deployCoin() internal returns (GadusCoin) {
        return GadusCoin(vm.deployCode("GadusCoin.sol:GadusCoin", ""));
    }

    function deployScheduler(IERC20 coin_, uint256 seedDelay, uint256 minWindow, uint256 maxWindow) internal returns (Scheduler) {
        return deployScheduler(coin_, deployRandomness("BlockHash"), seedDelay, minWindow, maxWindow);
    }

    function deployScheduler(IERC20 coin_, address randomness, uint256 seedDelay, uint256 minWindow, uint256 maxWindow)
        internal
        returns (Scheduler)
    {
        address disputes = deployPiece("Disputes", coin_, randomness, seedDelay);
        return deployScheduler(coin_, randomness, seedDelay, minWindow, maxWindow, disputes, deployPiece("Checks", coin_, randomness, seedDelay));
    }

    function deployScheduler(
        IERC20 coin_,
        address randomness,
        uint256 seedDelay,
        uint256 minWindow,
        uint256 maxWindow,
        address disputes,
        address checks
    ) internal returns (Scheduler) {
        bytes memory arguments = abi.encode(coin_, randomness, seedDelay, minWindow, maxWindow, disputes, checks);
        return Scheduler(vm.deployCode("Scheduler.sol:Scheduler", arguments));
    }

    /// @param name Disputes or Checks.
    function deployPiece(string memory name, IERC20 coin_, address randomness, uint256 seedDelay) internal returns (address) {
        return vm.deployCode(string.concat(name, ".sol:", name), abi.encode(coin_, randomness, seedDelay));
    }

    /// @param kind BlockHash or Drand.
    function deployRandomness(string memory kind) internal returns (address) {
        return vm.deployCode(string.concat(kind, "Randomness.sol:", kind, "Randomness"), "");
    }

    /* PARTIES */

    function registerNode(uint256 key, uint88 amount) internal {
        address account = vm.addr(key);
        coin.transfer(account, amount);
        vm.prank(account);
        coin.approve(address(scheduler), type(uint256).max);
        vm.prank(account);
        scheduler.register(amount, "");
    }

    function keyOf(address account) internal view returns (uint256) {
        for (uint256 i; i < keys.length; ++i) {
            if (vm.addr(keys[i]) == account) return keys[i];
        }
        revert("unknown node");
    }

    /* STATEMENTS */

    function digestOf(bytes32 statement) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domain, statement));
    }

    function sign(uint256 key, bytes32 statement) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digestOf(statement));
        return abi.encodePacked(r, s, v);
    }

    function aRequest(uint8 replicas) internal view returns (IScheduler.JobRequest memory) {
        return IScheduler.JobRequest({
            client: theClient,
            nonce: 1,
            specDigest: keccak256("spec"),
            replicas: replicas,
            policy: uint8(IScheduler.Policy.Trace),
            maxPrice: PRICE,
            stake: STAKE,
            minScore: 0,
            assignWindow: 10 minutes,
            commitWindow: 1 hours,
            settleWindow: 2 hours,
            disputeWindow: 3 hours,
            sealKey: keccak256("seal key"),
            secretHash: keccak256(abi.encode(SECRET, AUDIT_BPS)),
            reach: 0,
            bidBlocks: 0,
            shards: 1,
            dataRoot: 0,
            dataBytes: 0
        });
    }

    function requestHash(IScheduler.JobRequest memory request) internal pure returns (bytes32) {
        return keccak256(abi.encode(StatementLib.JOB_REQUEST, request));
    }

    function signRequest(IScheduler.JobRequest memory request) internal view returns (bytes memory) {
        return sign(CLIENT_KEY, requestHash(request));
    }

    function aBid(uint256 key, bytes32 jobId, uint88 price) internal view returns (IScheduler.Bid memory) {
        return aBid(key, jobId, price, 0);
    }

    function aBid(uint256 key, bytes32 jobId, uint88 price, uint16 locality) internal view returns (IScheduler.Bid memory) {
        address account = vm.addr(key);
        bytes32 statement = keccak256(abi.encode(StatementLib.BID, jobId, account, price, locality, bytes16(0), bytes32(0), uint8(0)));
        return IScheduler.Bid(account, price, locality, 0, sign(key, statement));
    }

    /// @dev For the newcomers of a widened job.
    function aLaterBid(uint256 key, bytes32 jobId, uint88 price) internal view returns (IScheduler.Bid memory) {
        return aClaim(key, jobId, price, 0, 0, 0, 1);
    }

    /// @dev With a possession, for one seed.
    function aClaim(uint256 key, bytes32 jobId, uint88 price, uint16 locality, bytes16 possession, bytes32 seed, uint8 round)
        internal
        view
        returns (IScheduler.Bid memory)
    {
        address account = vm.addr(key);
        bytes32 statement = keccak256(abi.encode(StatementLib.BID, jobId, account, price, locality, possession, seed, round));
        return IScheduler.Bid(account, price, locality, possession, sign(key, statement));
    }

    /// @dev Bids of the first `count` nodes, at different prices not above PRICE.
    function someBids(bytes32 jobId, uint256 count) internal view returns (IScheduler.Bid[] memory bids) {
        bids = new IScheduler.Bid[](count);
        for (uint256 i; i < count; ++i) {
            bids[i] = aBid(keys[i], jobId, uint88(PRICE - i * COIN_1 / 4));
        }
    }

    function termsHash(IScheduler.Bid[] memory bids) internal pure returns (bytes32) {
        Terms[] memory terms = new Terms[](bids.length);
        for (uint256 i; i < bids.length; ++i) {
            terms[i] = Terms(bids[i].node, bids[i].price, bids[i].locality, bids[i].possession);
        }
        return keccak256(abi.encode(terms));
    }

    struct Terms {
        address node;
        uint88 price;
        uint16 locality;
        bytes16 possession;
    }

    function signAssignment(bytes32 jobId, IScheduler.Bid[] memory bids) internal view returns (bytes memory) {
        return sign(CLIENT_KEY, keccak256(abi.encode(StatementLib.ASSIGNMENT, jobId, termsHash(bids))));
    }

    function signVerdict(bytes32 jobId, IScheduler.SealedSeat[] memory roster, uint16 agreed) internal view returns (bytes memory) {
        return sign(CLIENT_KEY, keccak256(abi.encode(StatementLib.VERDICT, jobId, keccak256(abi.encode(roster)), agreed, uint32(0), bytes32("report"))));
    }

    /// @dev A seat's signature over a roster with all its commitments.
    function signSet(bytes32 jobId, IScheduler.SealedSeat[] memory roster, uint256 index) internal view returns (bytes memory) {
        bytes32 statement = keccak256(abi.encode(StatementLib.COMMITMENT_SET, jobId, keccak256(abi.encode(roster))));
        return sign(keyOf(roster[index].node), statement);
    }

    function aCommitment(bytes32 jobId, IScheduler.Seat[] memory roster, uint8 index, bytes32 sealed_)
        internal
        view
        returns (IScheduler.SignedCommitment memory)
    {
        address account = roster[index].node;
        bytes32 statement = keccak256(abi.encode(StatementLib.COMMITMENT, jobId, account, sealed_));
        return IScheduler.SignedCommitment(index, sealed_, sign(keyOf(account), statement));
    }

    function sealedHash(bytes32 jobId, address account, IScheduler.Opening memory opening) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(jobId, account, opening.resultDigest, opening.evidenceDigest, keccak256(opening.sketch), opening.salt)
        );
    }

    /* ASSERTIONS */

    function assertEq(uint256 a, uint256 b, string memory what) internal pure {
        if (a != b) revert(string.concat(what, ": ", vm.toString(a), " != ", vm.toString(b)));
    }

    function assertEq(bytes32 a, bytes32 b, string memory what) internal pure {
        if (a != b) revert(string.concat(what, ": ", vm.toString(uint256(a)), " != ", vm.toString(uint256(b))));
    }

    function assertEq(address a, address b, string memory what) internal pure {
        assertEq(uint256(uint160(a)), uint256(uint160(b)), what);
    }

    function assertEq(IScheduler.State a, IScheduler.State b, string memory what) internal pure {
        assertEq(uint256(a), uint256(b), what);
    }

    function assertTrue(bool condition, string memory what) internal pure {
        if (!condition) revert(what);
    }

    /// @dev Every coin the scheduler holds belongs to somebody, and none is missing.
    function assertSolvent() internal view {
        IScheduler.Party memory party = scheduler.client(theClient);
        uint256 owed = uint256(party.free) + party.locked;
        for (uint256 i; i < keys.length; ++i) {
            party = scheduler.node(vm.addr(keys[i]));
            owed += uint256(party.free) + party.locked;
        }
        assertEq(coin.balanceOf(address(scheduler)), owed, "solvent");
    }

    /* REVERTS */

    function expectError(bytes4 selector, address argument) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, argument));
    }

    function expectError(bytes4 selector) internal {
        vm.expectRevert(abi.encodeWithSelector(selector));
    }

    function expectError(bytes4 selector, uint256 argument) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, argument));
    }

    function expectError(bytes4 selector, uint256 first, uint256 second) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, first, second));
    }

    function expectBadSignature(address expected) internal {
        vm.expectRevert(abi.encodeWithSelector(IScheduler.BadSignature.selector, expected));
    }

    function expectWrongState(IScheduler.State actual) internal {
        vm.expectRevert(abi.encodeWithSelector(IScheduler.WrongState.selector, actual));
    }

    /// @dev The other valid (r, s, v) of the same message.
    function malleated(bytes memory signature) internal pure returns (bytes memory) {
        (bytes32 r, uint256 s, uint8 v) = (bytes32(0), 0, uint8(signature[64]));
        assembly {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
        }
        s = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 - s;
        return abi.encodePacked(r, s, v == 27 ? 28 : 27);
    }
}
