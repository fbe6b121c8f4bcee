import { numberToHex, zeroAddress, type Address, type Hex } from 'viem';
import { getBalance, getBlockNumber, getChainId, getGasPrice, readContract } from 'viem/actions';
import { coinAbi, schedulerAbi } from '../abi.ts';
import { createChainClient, type CallOptions, type ChainClient } from '../rpc/chain-client.ts';
import { chainProfile, type ChainProfile } from '../chain-profile.ts';
import { BLOCK_TIME_SAMPLE_BLOCKS, LOG_RETRIES, NULL_ROUND_STEPS, PROBED_LOG_RANGES } from '../constants.ts';
import { toChainError } from '../errors.ts';
import { createLogSource, type Header, type LogSource } from '../watch/log-source.ts';
import { withSignal } from '../rpc/with-signal.ts';

/** What an endpoint says of its chain, and what of it matters to a scheduler. Amounts in the smallest unit. */
export interface ChainStatus {
  chainId: number;
  kind: ChainProfile['kind'];
  /** The height the endpoint speaks of, and the newest block it can read: one less on Filecoin. */
  head: number;
  latest: number;
  /** Over the last hundred blocks; undefined on a chain of one block. */
  blockTimeMs: number | undefined;
  gasPrice: bigint;
  /** Blocks behind `latest` by the endpoint's tags; undefined where it has no such tag. */
  safeBehind: number | undefined;
  finalizedBehind: number | undefined;
  /** The longest range of those tried that `eth_getLogs` answered; undefined where none was. */
  logRangeBlocks: number | undefined;
  scheduler?: { address: Address; coin: Address; randomness: Address; seedDelay: number; minWindowSeconds: number; maxWindowSeconds: number };
  account?: { address: Address; gas: bigint; coin?: bigint };
}

/** @throws ChainError RPC_UNREACHABLE, RPC_ERROR; NO_CONTRACT where a scheduler is named that is none */
export async function readChainStatus(rpcUrl: string, asked: { scheduler?: Address; account?: Address } = {}, { signal }: CallOptions = {}): Promise<ChainStatus> {
  const client = withSignal(createChainClient(rpcUrl), signal);
  const source = createLogSource(client, zeroAddress, signal ?? new AbortController().signal);
  try {
    const [chainId, head, latest, gasPrice] = await Promise.all([getChainId(client), getBlockNumber(client, { cacheTime: 0 }), source.latest(), getGasPrice(client)]);
    const [blockTimeMs, safe, finalized, logRangeBlocks, scheduler] = await Promise.all([
      blockTime(source, latest), taggedBlock(client, 'safe'), taggedBlock(client, 'finalized'), probeLogRange(client, latest.number, asked.scheduler ?? zeroAddress),
      asked.scheduler && readParameters(client, asked.scheduler),
    ]);
    const account = asked.account && await readAccount(client, asked.account, scheduler?.coin);
    return {
      chainId, kind: chainProfile(chainId).kind, head: Number(head), latest: latest.number, blockTimeMs, gasPrice, logRangeBlocks,
      safeBehind: safe && latest.number - safe.number, finalizedBehind: finalized && latest.number - finalized.number,
      ...(scheduler === undefined ? {} : { scheduler }), ...(account === undefined ? {} : { account }),
    };
  } catch (error) {
    signal?.throwIfAborted();
    throw toChainError(error);
  }
}

async function blockTime(source: LogSource, latest: Header): Promise<number | undefined> {
  const wanted = Math.max(0, latest.number - BLOCK_TIME_SAMPLE_BLOCKS);
  for (let number = wanted; number < Math.min(latest.number, wanted + NULL_ROUND_STEPS); number++) {
    const header = await source.header(number);
    // An epoch without a block takes its time, too: heights are counted, not blocks.
    if (header !== undefined) return (latest.timestamp - header.timestamp) * 1000 / (latest.number - number);
  }
  return undefined;
}

/** The block of a tag; undefined where the endpoint does not know the tag or has no such block yet. */
async function taggedBlock(client: ChainClient, tag: 'safe' | 'finalized'): Promise<{ number: number } | undefined> {
  try {
    const block = await client.request({ method: 'eth_getBlockByNumber', params: [tag, false] } as never, { retryCount: LOG_RETRIES }) as { number: Hex } | null;
    return block === null ? undefined : { number: Number(block.number) };
  } catch (error) {
    return refusedOnly(error);
  }
}

/** Asks for an address's logs of the last blocks, the longest range first. */
async function probeLogRange(client: ChainClient, latest: number, address: Address): Promise<number | undefined> {
  for (const blocks of PROBED_LOG_RANGES.filter((blocks, i) => blocks <= latest + 1 || i === PROBED_LOG_RANGES.length - 1)) {
    const params = [{ address, fromBlock: numberToHex(Math.max(0, latest - blocks + 1)), toBlock: numberToHex(latest) }];
    const answered = await client.request({ method: 'eth_getLogs', params } as never, { retryCount: LOG_RETRIES }).then(() => true, refusedOnly);
    if (answered === true) return Math.min(blocks, latest + 1);
  }
  return undefined;
}

/** A refusal is an answer to a probe; an endpoint that is away is not. @throws the error */
function refusedOnly(error: unknown): undefined {
  if (toChainError(error).code === 'RPC_UNREACHABLE') throw error;
  return undefined;
}

async function readParameters(client: ChainClient, address: Address): Promise<NonNullable<ChainStatus['scheduler']>> {
  const ask = <N extends 'COIN' | 'RANDOMNESS' | 'SEED_DELAY' | 'MIN_WINDOW' | 'MAX_WINDOW'>(functionName: N) => readContract(client, { address, abi: schedulerAbi, functionName });
  const [coin, randomness, seedDelay, minWindow, maxWindow] = await Promise.all([ask('COIN'), ask('RANDOMNESS'), ask('SEED_DELAY'), ask('MIN_WINDOW'), ask('MAX_WINDOW')]);
  return { address, coin, randomness, seedDelay: Number(seedDelay), minWindowSeconds: Number(minWindow), maxWindowSeconds: Number(maxWindow) };
}

async function readAccount(client: ChainClient, address: Address, coin: Address | undefined): Promise<NonNullable<ChainStatus['account']>> {
  const [gas, balance] = await Promise.all([
    getBalance(client, { address }),
    coin && readContract(client, { address: coin, abi: coinAbi, functionName: 'balanceOf', args: [address] }),
  ]);
  return { address, gas, ...(balance === undefined ? {} : { coin: balance }) };
}
