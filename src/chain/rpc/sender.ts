import { setTimeout as sleep } from 'node:timers/promises';
import { keccak256, numberToHex, type Address, type Hash, type Hex, type LocalAccount, type TransactionReceipt } from 'viem';
import { call, getBlock, getGasPrice, getTransactionCount, getTransactionReceipt } from 'viem/actions';
import {
  BASE_FEE_HEADROOM, GAS_MARGIN_BPS, NONCE_TRIES, POLLING_INTERVAL_MS, RECEIPT_TIMEOUT_MS,
} from '../constants.ts';
import type { CallOptions, ChainClient } from './chain-client.ts';
import { ChainError, toChainError } from '../errors.ts';
import { createMutex } from './mutex.ts';
import { pollDelays } from './poll-delays.ts';
import { withSignal } from './with-signal.ts';

export interface SenderComponents { client: ChainClient; account: LocalAccount; chainId(options: CallOptions): Promise<number> }
export interface SenderInit { pollingIntervalMs?: number; receiptTimeoutMs?: number }
export interface SendRequest { to?: Address; data: Hex }

/** Sends transactions of one account; any number may be under way. */
export interface Sender {
  readonly address: Address;
  /**
   * Estimates, signs and sends one transaction and waits until it is mined.
   *
   * @throws ChainError with the contract's own code where it reverts (in the estimate or in the block), TX_TIMEOUT, RPC_UNREACHABLE …
   */
  send(request: SendRequest, options?: CallOptions): Promise<TransactionReceipt>;
}

type Fees = { type: 'eip1559'; maxFeePerGas: bigint; maxPriorityFeePerGas: bigint } | { type: 'legacy'; gasPrice: bigint };

/**
 * Nonces: transactions are numbered and handed to the endpoint one after the other, so none can leave a gap; they are mined together.
 * While some are under way the next number is ours to know. When none is, it is asked anew: other programs, reorganisations and
 * dropped transactions then cannot leave a wrong number behind. A number that turns out used is asked anew too.
 */
export function createSender({ client, account, chainId }: SenderComponents, init: SenderInit = {}): Sender {
  const { pollingIntervalMs = POLLING_INTERVAL_MS, receiptTimeoutMs = RECEIPT_TIMEOUT_MS } = init;
  const mutex = createMutex();
  let next: number | undefined;
  let underWay = 0;
  /** Counts hand-overs: a number asked for before one is stale. */
  let epoch = 0;

  const askNonce = (reader: ChainClient) => getTransactionCount(reader, { address: account.address, blockTag: 'pending' });

  async function send(request: SendRequest, { signal }: CallOptions = {}): Promise<TransactionReceipt> {
    const reader = withSignal(client, signal);
    try {
      const asked = epoch;
      const [id, gas, fees, nonce] = await Promise.all([
        chainId(signal === undefined ? {} : { signal }),
        estimate(reader, account.address, request),
        askFees(reader),
        underWay === 0 ? askNonce(reader) : undefined,
      ]);
      const hash = await mutex(() => handOver(reader, { ...request, ...fees, gas, chainId: id }, asked === epoch ? nonce : undefined), signal);
      try {
        const receipt = await awaitReceipt(reader, hash, signal);
        if (receipt.status === 'success') return receipt;
        throw await whyReverted(reader, account.address, request, receipt);
      } finally {
        underWay--;
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw toChainError(error);
    }
  }

  /** Signs with the next nonce and sends; the caller holds the mutex. On return the transaction counts as under way. */
  async function handOver(reader: ChainClient, transaction: object, known: number | undefined): Promise<Hash> {
    for (let tries = 1; ; tries++) {
      const nonce: number = (tries === 1 && underWay === 0 ? known : undefined) ?? (underWay > 0 ? next : undefined) ?? (await askNonce(reader));
      const raw = await account.signTransaction({ ...transaction, nonce } as never);
      const hash = keccak256(raw);
      epoch++;
      try {
        await reader.request({ method: 'eth_sendRawTransaction', params: [raw] });
      } catch (cause) {
        const error = toChainError(cause);
        // A repeated request whose first answer was lost: the endpoint has the very same transaction.
        if (error.code !== 'NONCE_CONFLICT' || !(await isKnown(reader, hash))) {
          next = undefined;
          if (error.code === 'NONCE_CONFLICT' && tries < NONCE_TRIES) continue;
          throw error;
        }
      }
      next = nonce + 1;
      underWay++;
      return hash;
    }
  }

  async function awaitReceipt(reader: ChainClient, hash: Hash, signal: AbortSignal | undefined): Promise<TransactionReceipt> {
    const deadline = performance.now() + receiptTimeoutMs;
    let last: ChainError | undefined;
    for (const pause of pollDelays(pollingIntervalMs)) {
      if (performance.now() > deadline) break;
      await sleep(pause, undefined, signal === undefined ? {} : { signal });
      try {
        return await getTransactionReceipt(reader, { hash });
      } catch (error) {
        signal?.throwIfAborted();
        // Not mined yet, or the endpoint is away for a while: the deadline decides.
        last = isMissing(error) ? undefined : toChainError(error);
      }
    }
    next = undefined;
    throw new ChainError('TX_TIMEOUT', 'the transaction was not mined in time', {
      details: `${hash} after ${receiptTimeoutMs} ms${last === undefined ? '' : `; last answer: ${last.message}`}`,
      hint: 'it may still be mined: read the job before trying again', ...(last === undefined ? {} : { cause: last }),
    });
  }

  return { address: account.address, send };
}

/**
 * Gas with a margin. Estimated on the pending block: there block number and time are those the transaction will meet, so a draw is
 * possible right after the seed's block and `expire` right after the deadline.
 */
async function estimate(reader: ChainClient, from: Address, request: SendRequest): Promise<bigint> {
  const estimateOn = (...tag: ['pending'] | []) => reader.request({ method: 'eth_estimateGas', params: [{ from, ...request }, ...tag] });
  const gas = await estimateOn('pending').catch((cause: unknown) => {
    const error = toChainError(cause);
    if (error.code !== 'RPC_ERROR') throw error;
    return estimateOn();
  });
  return (BigInt(gas) * BigInt(10_000 + GAS_MARGIN_BPS)) / 10_000n;
}

/** Asked anew for every transaction: one of another program with the same number and a price from another moment could take its place. */
async function askFees(reader: ChainClient): Promise<Fees> {
  const [{ baseFeePerGas }, tip] = await Promise.all([
    getBlock(reader, { blockTag: 'latest' }),
    reader.request({ method: 'eth_maxPriorityFeePerGas' }).then(BigInt, (): undefined => undefined),
  ]);
  if (baseFeePerGas === null || tip === undefined) return { type: 'legacy', gasPrice: await getGasPrice(reader) };
  return { type: 'eip1559', maxFeePerGas: baseFeePerGas * BASE_FEE_HEADROOM + tip, maxPriorityFeePerGas: tip };
}

async function isKnown(reader: ChainClient, hash: Hash): Promise<boolean> {
  const transaction = await reader.request({ method: 'eth_getTransactionByHash', params: [hash] });
  return transaction !== null;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && error.name === 'TransactionReceiptNotFoundError';
}

/** Repeats a reverted transaction as a call on its block, to learn the contract's reason. */
async function whyReverted(reader: ChainClient, account: Address, request: SendRequest, receipt: TransactionReceipt): Promise<ChainError> {
  const details = `${receipt.transactionHash} in block ${receipt.blockNumber}`;
  try {
    await call(reader, { account, ...request, blockNumber: receipt.blockNumber });
  } catch (cause) {
    const error = toChainError(cause);
    if (error.code !== 'RPC_ERROR' && error.code !== 'RPC_UNREACHABLE' && error.code !== 'TX_REVERTED') return error;
    return new ChainError('TX_REVERTED', 'the transaction reverted', { details, cause });
  }
  const outOfGas = receipt.gasUsed * 100n >= 98n * (await gasLimitOf(reader, receipt.transactionHash));
  return new ChainError('TX_REVERTED', 'the transaction reverted', { details: outOfGas ? `${details}: out of gas` : `${details}: it would succeed now` });
}

async function gasLimitOf(reader: ChainClient, hash: Hash): Promise<bigint> {
  const transaction = await reader.request({ method: 'eth_getTransactionByHash', params: [hash] }).catch(() => null);
  return BigInt(transaction?.gas ?? numberToHex(2n ** 64n));
}
