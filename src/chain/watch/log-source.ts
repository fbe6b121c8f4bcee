import { numberToHex, type Address, type Hex } from 'viem';
import { messageOf } from '../../protocol/index.ts';
import type { ChainClient } from '../rpc/chain-client.ts';
import { BLOCK_FETCH_CONCURRENCY, LOG_RETRIES, LOG_WINDOW_BLOCKS } from '../constants.ts';
import type { RpcLog } from './decode-events.ts';
import { withSignal } from '../rpc/with-signal.ts';

/** What the watcher needs of a block. `timestamp` in unix seconds. */
export interface Header { number: number; hash: Hex; parentHash: Hex; timestamp: number }

/** The scheduler's logs and the chain's headers, raw: errors are viem's; the watcher waits and tries again. */
export interface LogSource {
  chainId(): Promise<number>;
  latest(): Promise<Header>;
  /** Undefined for a null round or a block that is not there (yet). */
  header(number: number): Promise<Header | undefined>;
  /** Logs of one block, in order, each once. */
  logsOf(header: Header): Promise<RpcLog[]>;
  /** Logs of a range, in order, each once; `to` may come back lower where the endpoint cannot give so many blocks at once. */
  logsBetween(from: number, to: number): Promise<{ logs: RpcLog[]; to: number }>;
  /** Fills in the time of every log's block. What it learned before a failure it need not ask for again. */
  withTimes(logs: RpcLog[]): Promise<RpcLog[]>;
}

interface RpcBlock { number: Hex; hash: Hex; parentHash: Hex; timestamp: Hex }

/** @param topics Only logs with these; all when empty. */
export function createLogSource(client: ChainClient, address: Address, signal: AbortSignal, topics: readonly (Hex | null)[] = []): LogSource {
  const bound = withSignal(client, signal);
  // Logs are not asked for again as they are: a limit may be the reason, and a smaller window the answer.
  const request = <T>(method: string, params: unknown[]): Promise<T> =>
    bound.request({ method, params } as never, { retryCount: method === 'eth_getLogs' ? 0 : LOG_RETRIES }) as Promise<T>;
  let window = LOG_WINDOW_BLOCKS;
  /** Times of blocks by their hash, which no reorganisation changes: a window of many blocks is read by an endpoint that fails one request in ten. */
  const times = new Map<Hex, Hex>();

  const getLogs = async (filter: object, isWanted: (log: RpcLog) => boolean): Promise<RpcLog[]> => {
    const logs = await request<RpcLog[]>('eth_getLogs', [{ address, topics, ...filter }]);
    return inOrder(logs.filter((log) => log.removed !== true && log.address.toLowerCase() === address.toLowerCase() && isWanted(log)).map(plain));
  };

  return {
    chainId: async () => Number(await request<Hex>('eth_chainId', [])),
    latest: async () => toHeader(await request<RpcBlock>('eth_getBlockByNumber', ['latest', false])),
    header: async (number) => {
      try {
        const block = await request<RpcBlock | null>('eth_getBlockByNumber', [numberToHex(number), false]);
        // Lotus once answered a null round with the block before it.
        return block === null || Number(block.number) !== number ? undefined : toHeader(block);
      } catch (error) {
        if (isNullRound(error)) return undefined;
        throw error;
      }
    },
    logsOf: ({ hash }) => getLogs({ blockHash: hash }, (log) => log.blockHash === hash),
    logsBetween: async (from, wantedTo) => {
      for (;;) {
        const to = Math.min(wantedTo, from + window - 1);
        try {
          const logs = await getLogs({ fromBlock: numberToHex(from), toBlock: numberToHex(to) }, ({ blockNumber }) => Number(blockNumber) >= from && Number(blockNumber) <= to);
          if (to === from + window - 1) window = Math.min(LOG_WINDOW_BLOCKS, Math.ceil(window * 1.25));
          return { logs, to };
        } catch (error) {
          if (to === from || !isRangeLimit(error)) throw error;
          window = Math.max(1, Math.floor((to - from + 1) / 2));
        }
      }
    },
    withTimes: async (logs) => {
      const lacking = [...new Set(logs.filter((log) => log.blockTimestamp === undefined && !times.has(log.blockHash)).map((log) => log.blockHash))];
      const failures: unknown[] = [];
      for (let i = 0; i < lacking.length; i += BLOCK_FETCH_CONCURRENCY) {
        // Others of the same handful may still come: each that does is one less next time.
        const asked = await Promise.allSettled(lacking.slice(i, i + BLOCK_FETCH_CONCURRENCY).map(async (hash) => {
          const block = await request<RpcBlock | null>('eth_getBlockByHash', [hash, false]);
          if (block === null) throw new Error(`block ${hash} is gone`);
          times.set(hash, block.timestamp);
        }));
        failures.push(...asked.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : [])));
        if (failures.length > 0) throw failures[0];
      }
      const timed = logs.map((log) => ({ ...log, blockTimestamp: log.blockTimestamp ?? times.get(log.blockHash)! }));
      times.clear();
      return timed;
    },
  };
}

/** Ascending by place, each place once. */
export function inOrder(logs: readonly RpcLog[]): RpcLog[] {
  const byPlace = new Map(logs.map((log) => [`${log.blockHash}:${Number(log.logIndex)}`, log]));
  return [...byPlace.values()].sort((a, b) => Number(a.blockNumber) - Number(b.blockNumber) || Number(a.logIndex) - Number(b.logIndex));
}

/** Only what the cursor keeps: nodes add fields. */
function plain({ address, topics, data, blockNumber, blockHash, transactionHash, logIndex, blockTimestamp }: RpcLog): RpcLog {
  return { address, topics, data, blockNumber, blockHash, transactionHash, logIndex, ...(blockTimestamp === undefined ? {} : { blockTimestamp }) };
}

function toHeader({ number, hash, parentHash, timestamp }: RpcBlock): Header {
  return { number: Number(number), hash, parentHash, timestamp: Number(timestamp) };
}

/** A Filecoin epoch without a block. */
function isNullRound(error: unknown): boolean {
  return /null round/i.test(messageOf(error));
}

/** Too many blocks or rows for one answer, in the words of the usual providers; neither a rate limit nor an endpoint that is away. */
function isRangeLimit(error: unknown): boolean {
  const answered = error instanceof Error && error.name !== 'TimeoutError' && !(error.name === 'HttpRequestError' && !('status' in error && error.status !== undefined));
  const text = messageOf(error);
  return answered && !/rate limit|too many requests|per second/i.test(text)
    && /range|too (many|large|big)|limit|exceed|more than|max(imum)? |response size|timed? ?out/i.test(text);
}
