// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {GadusCoin, Scheduler, Vm} from "./Base.sol";
import {Life} from "./Life.sol";
import {IScheduler} from "../src/interfaces/IScheduler.sol";
import {StatementLib} from "../src/libraries/StatementLib.sol";

/// @dev A wallet of one owner, which may turn bad.
contract Wallet {
    enum Mood { Honest, SaysNo, SaysTrue, Reverts, Burns, Floods, Short }

    Vm internal constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    address internal immutable OWNER;
    Mood public mood;

    constructor(address owner) {
        OWNER = owner;
    }

    function turn(Mood mood_) external {
        mood = mood_;
    }

    function call(address target, bytes calldata data) external {
        (bool ok, bytes memory answer) = target.call(data);
        if (ok) return;
        assembly {
            revert(add(answer, 32), mload(answer))
        }
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        if (mood == Mood.SaysNo) return 0xffffffff;
        if (mood == Mood.Reverts) revert("no");
        while (mood == Mood.Burns) {}
        if (mood == Mood.SaysTrue) {
            assembly {
                mstore(0, 1)
                return(0, 32)
            }
        }
        if (mood == Mood.Floods) {
            assembly {
                return(0, 50000)
            }
        }
        if (mood == Mood.Short) {
            assembly {
                mstore(0, 0x1626ba7e00000000000000000000000000000000000000000000000000000000)
                return(0, 4)
            }
        }
        (uint8 v, bytes32 r, bytes32 s) = (uint8(signature[64]), bytes32(signature[:32]), bytes32(signature[32:64]));
        return ecrecover(digest, v, r, s) == OWNER ? this.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// @dev Takes a hundredth of every transfer.
contract FeeCoin is ERC20 {
    constructor() ERC20("", "") {
        _mint(msg.sender, 1e26);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0)) super._update(to, address(0xFEE), amount / 100);
    }
}

/// @dev Cannot be sent to 0x00..dEaD.
contract ImmortalCoin is ERC20 {
    constructor() ERC20("", "") {
        _mint(msg.sender, 1e26);
    }

    function _update(address from, address to, uint256 amount) internal override {
        require(to != 0x000000000000000000000000000000000000dEaD);
        super._update(from, to, amount);
    }
}

contract WalletsTest is Life {
    uint256 internal constant OWNER_KEY = 0x0117E4;

    /* EIP-1271 */

    function walletOf(uint256 key) internal returns (Wallet wallet) {
        wallet = new Wallet(vm.addr(key));
    }

    /// @dev A request whose client is a wallet with a purse.
    function walletRequest() internal returns (Wallet wallet, IScheduler.JobRequest memory request, bytes memory signature) {
        wallet = walletOf(OWNER_KEY);
        scheduler.fund(address(wallet), 1000 * COIN_1);
        request = aRequest(1);
        request.client = address(wallet);
        signature = sign(OWNER_KEY, requestHash(request));
    }

    function test_a_wallet_is_a_client() public {
        (Wallet wallet, IScheduler.JobRequest memory request, bytes memory signature) = walletRequest();
        vm.prank(CARRIER);
        bytes32 jobId = scheduler.submit(request, signature);
        assertEq(scheduler.job(jobId).state, IScheduler.State.Open, "state");
        assertEq(scheduler.client(address(wallet)).locked, 2 * PRICE, "its coin");
        bytes memory cancels = sign(OWNER_KEY, keccak256(abi.encode(StatementLib.CANCEL, jobId)));
        scheduler.cancel(request, cancels);
        assertEq(scheduler.job(jobId).state, IScheduler.State.Cancelled, "state");
    }

    function test_its_owner_does_not_sign_for_another_wallet() public {
        (, IScheduler.JobRequest memory request, bytes memory signature) = walletRequest();
        request.client = address(walletOf(OWNER_KEY));
        expectBadSignature(request.client);
        scheduler.submit(request, signature);
    }

    function test_whatever_else_a_wallet_does_is_a_no() public {
        (Wallet wallet, IScheduler.JobRequest memory request, bytes memory signature) = walletRequest();
        for (uint256 i = 1; i <= uint256(type(Wallet.Mood).max); ++i) {
            wallet.turn(Wallet.Mood(i));
            expectBadSignature(address(wallet));
            scheduler.submit(request, signature);
        }
        wallet.turn(Wallet.Mood.Honest);
        scheduler.submit(request, signature);
    }

    function test_a_wallet_cannot_burn_more_than_its_share_of_gas() public {
        (Wallet wallet, IScheduler.JobRequest memory request, bytes memory signature) = walletRequest();
        wallet.turn(Wallet.Mood.Burns);
        uint256 before = gasleft();
        try scheduler.submit(request, signature) {
            revert("submitted");
        } catch {}
        assertTrue(before - gasleft() < 200_000, "gas");
    }

    function test_with_too_little_gas_for_the_wallet_nothing_happens() public {
        (, IScheduler.JobRequest memory request, bytes memory signature) = walletRequest();
        for (uint256 gas = 20_000; gas < 120_000; gas += 10_000) {
            try scheduler.submit{gas: gas}(request, signature) {
                return;
            } catch {
                assertEq(scheduler.job(scheduler.jobIdOf(request)).state, IScheduler.State.None, "state");
            }
        }
    }

    function test_a_wallet_is_a_node_from_bid_to_payment() public {
        Wallet wallet = walletOf(OWNER_KEY);
        coin.transfer(address(wallet), 100 * COIN_1);
        wallet.call(address(coin), abi.encodeCall(IERC20.approve, (address(scheduler), 100 * COIN_1)));
        wallet.call(address(scheduler), abi.encodeCall(IScheduler.register, (100 * COIN_1, "")));
        skip(1);
        Play memory play = submitted(1);
        vm.roll(vm.getBlockNumber() + 2);
        IScheduler.Bid[] memory bids = new IScheduler.Bid[](1);
        bytes32 statement = keccak256(abi.encode(StatementLib.BID, play.jobId, address(wallet), PRICE, uint16(0), bytes16(0), bytes32(0), uint8(0)));
        bids[0] = IScheduler.Bid(address(wallet), PRICE, 0, 0, sign(OWNER_KEY, statement));
        assigned(play, bids);
        play.sealed_ = new IScheduler.SealedSeat[](1);
        play.sealed_[0] = IScheduler.SealedSeat(address(wallet), PRICE, "commitment");
        bytes[] memory signatures = new bytes[](1);
        signatures[0] = sign(OWNER_KEY, keccak256(abi.encode(StatementLib.COMMITMENT_SET, play.jobId, keccak256(abi.encode(play.sealed_)))));
        vm.prank(theClient);
        scheduler.settleDirect(play.request, play.sealed_, signatures, 1, 0, "report", "");
        assertEq(scheduler.node(address(wallet)).free, 100 * COIN_1 + PRICE, "paid");
    }

    /* PERMIT */

    function permitFor(uint256 key, uint256 value) internal view returns (IScheduler.Permit memory permit) {
        address owner = vm.addr(key);
        bytes32 statement = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                owner, address(scheduler), value, coin.nonces(owner), block.timestamp
            )
        );
        (permit.value, permit.deadline) = (value, block.timestamp);
        (permit.v, permit.r, permit.s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", coin.DOMAIN_SEPARATOR(), statement)));
    }

    /// @dev A client with coin in its account, none in its purse, and no allowance.
    function poorRequest() internal returns (IScheduler.JobRequest memory request, bytes memory signature) {
        coin.transfer(vm.addr(OWNER_KEY), 4 * PRICE);
        request = aRequest(3);
        request.client = vm.addr(OWNER_KEY);
        signature = sign(OWNER_KEY, requestHash(request));
    }

    function test_a_permit_saves_a_message() public {
        (IScheduler.JobRequest memory request, bytes memory signature) = poorRequest();
        IScheduler.Permit memory permit = permitFor(OWNER_KEY, 4 * PRICE);
        vm.prank(CARRIER);
        bytes32 jobId = scheduler.submitWithPermit(request, signature, permit);
        assertEq(scheduler.job(jobId).state, IScheduler.State.Open, "state");
        assertEq(coin.balanceOf(request.client), 0, "taken");
        assertEq(scheduler.client(request.client).locked, 4 * PRICE, "locked");
    }

    function test_a_permit_that_somebody_used_already_does_no_harm() public {
        (IScheduler.JobRequest memory request, bytes memory signature) = poorRequest();
        IScheduler.Permit memory permit = permitFor(OWNER_KEY, 4 * PRICE);
        coin.permit(request.client, address(scheduler), permit.value, permit.deadline, permit.v, permit.r, permit.s);
        scheduler.submitWithPermit(request, signature, permit);
        assertEq(scheduler.client(request.client).locked, 4 * PRICE, "locked");
    }

    function test_a_bad_permit_leaves_it_to_the_allowance() public {
        (IScheduler.JobRequest memory request, bytes memory signature) = poorRequest();
        IScheduler.Permit memory permit = permitFor(OWNER_KEY, 4 * PRICE - 1);
        vm.expectRevert();
        scheduler.submitWithPermit(request, signature, permit);
        permit.value = 4 * PRICE;
        vm.expectRevert();
        scheduler.submitWithPermit(request, signature, permit);
        // A permit is no word on the job.
        permit = permitFor(OWNER_KEY, 4 * PRICE);
        expectBadSignature(request.client);
        scheduler.submitWithPermit(request, "", permit);
        scheduler.submitWithPermit(request, signature, permit);
    }

    /* COINS */

    function test_a_coin_that_takes_a_fee_is_refused() public {
        FeeCoin fee = new FeeCoin();
        Scheduler other = deployScheduler(fee, 1, 60, 30 days);
        fee.approve(address(other), type(uint256).max);
        expectError(IScheduler.CoinShort.selector, 99, 100);
        other.fund(theClient, 100);
        expectError(IScheduler.CoinShort.selector, 99, 100);
        other.register(100, "");
        assertEq(other.node(address(this)).free, 0, "nothing booked");
    }

    function test_a_coin_that_cannot_be_burnt_hangs_no_job() public {
        coin = GadusCoin(address(new ImmortalCoin()));
        use(deployScheduler(coin, 1, 1 minutes, 30 days));
        scheduler.fund(theClient, 1000 * COIN_1);
        for (uint256 i; i < 4; ++i) registerNode(keys[i], 100 * COIN_1);
        skip(1);
        Play memory play = committed(3);
        skip(play.request.settleWindow + play.request.disputeWindow + 1);
        resolved(play, 0);
        assertEq(stateOf(play), IScheduler.State.Settled, "ended");
        IScheduler.Party memory client = scheduler.client(theClient);
        vm.prank(theClient);
        scheduler.withdraw(false, theClient, client.free);
        for (uint256 i; i < 4; ++i) {
            address account = vm.addr(keys[i]);
            uint88 free = scheduler.node(account).free;
            vm.prank(account);
            scheduler.withdraw(true, account, free);
        }
        assertEq(coin.balanceOf(address(scheduler)), PRICE + 3 * (STAKE / 4), "what was to be burnt is nobody's");
    }
}
