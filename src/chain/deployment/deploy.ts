import { encodeDeployData, getAddress, type Abi, type Address, type Hex } from 'viem';
import { getChainId } from 'viem/actions';
import { coinAbi, schedulerAbi } from '../abi.ts';
import { localAccount } from '../accounts/local-account.ts';
import type { Addresses } from './addresses.ts';
import { blockHashRandomnessBytecode, checksBytecode, coinBytecode, disputesBytecode, drandRandomnessBytecode, schedulerBytecode } from '../bytecode.ts';
import { createChainClient, type CallOptions } from '../rpc/chain-client.ts';
import { chainProfile } from '../chain-profile.ts';
import { POLLING_INTERVAL_MS } from '../constants.ts';
import { ChainError, toChainError } from '../errors.ts';
import { createSender } from '../rpc/sender.ts';
import { withSignal } from '../rpc/with-signal.ts';

export interface DeployParams {
  /** Blocks from submit to the seed's block: 1 on a devnet, 10 on Filecoin. */
  seedDelay: number;
  /** Shortest and longest window of a job, seconds. */
  minWindowSeconds: number;
  maxWindowSeconds: number;
  /** An ERC-20 to settle in; without one a new coin is deployed, and the deployer holds its whole supply. */
  coin?: Address;
  /** Where seeds come from; drand on Filecoin and block hashes elsewhere, where nothing is said. */
  randomness?: 'block-hash' | 'drand';
  pollingIntervalMs?: number;
}

/** `deploymentBlock` is the scheduler's; `gas` is what the deployments used. */
export interface Deployment extends Required<Addresses> { gas: { coin: bigint; randomness: bigint; disputes: bigint; checks: bigint; scheduler: bigint } }

/** What the constructors of the scheduler's other pieces of code take. */
const pieceAbi = [{ type: 'constructor', stateMutability: 'nonpayable', inputs: [{ type: 'address' }, { type: 'address' }, { type: 'uint256' }] }] as const;

/** Deploys the scheduler in its three pieces of code with its source of randomness, and a coin where none is given. @throws ChainError GAS_FUNDS_TOO_LOW, TX_REVERTED (parameters the contract refuses) … */
export async function deployContracts(rpcUrl: string, privateKey: Hex, params: DeployParams, options: CallOptions = {}): Promise<Deployment> {
  const client = createChainClient(rpcUrl);
  let chainId: number;
  try {
    chainId = await getChainId(withSignal(client, options.signal));
  } catch (error) {
    options.signal?.throwIfAborted();
    throw toChainError(error);
  }
  const { pollingIntervalMs = POLLING_INTERVAL_MS } = params;
  const sender = createSender({ client, account: localAccount(privateKey), chainId: async () => chainId }, { pollingIntervalMs });
  const deploy = async (abi: Abi, bytecode: Hex, args: readonly unknown[]) => {
    const { contractAddress, blockNumber, gasUsed } = await sender.send({ data: encodeDeployData({ abi, bytecode, args }) }, options);
    if (!contractAddress) throw new ChainError('TX_REVERTED', 'the contract was not deployed');
    return { address: getAddress(contractAddress), blockNumber, gasUsed };
  };
  const coin = params.coin === undefined ? await deploy(coinAbi, coinBytecode, []) : { address: params.coin, gasUsed: 0n };
  const { seedDelay, minWindowSeconds, maxWindowSeconds } = params;
  const kind = params.randomness ?? chainProfile(chainId).randomness;
  const randomness = await deploy([], kind === 'drand' ? drandRandomnessBytecode : blockHashRandomnessBytecode, []);
  const piece = [coin.address, randomness.address, BigInt(seedDelay)] as const;
  const disputes = await deploy(pieceAbi, disputesBytecode, piece);
  const checks = await deploy(pieceAbi, checksBytecode, piece);
  const scheduler = await deploy(schedulerAbi, schedulerBytecode, [...piece, BigInt(minWindowSeconds), BigInt(maxWindowSeconds), disputes.address, checks.address]);
  return {
    chainId, coin: coin.address, randomness: randomness.address, scheduler: scheduler.address, deploymentBlock: scheduler.blockNumber,
    seedDelay, minWindowSeconds, maxWindowSeconds,
    gas: { coin: coin.gasUsed, randomness: randomness.gasUsed, disputes: disputes.gasUsed, checks: checks.gasUsed, scheduler: scheduler.gasUsed },
  };
}
