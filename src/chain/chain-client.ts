import { createClient, http, type Address, type Client, type Hex, type HttpTransport, type LocalAccount } from 'viem';
import { getChainId, getCode, readContract } from 'viem/actions';
import type { Court } from '../protocol/index.ts';
import { schedulerAbi } from './abi.ts';
import { localAccount } from './accounts/local-account.ts';
import { POLLING_INTERVAL_MS, RPC_BATCH, RPC_RETRIES, RPC_RETRY_DELAY_MS, RPC_TIMEOUT_MS } from './constants.ts';
import { ChainError, toChainError } from './errors.ts';
import { httpFetch } from './http-fetch.ts';
import { createSender, type Sender } from './sender.ts';
import { withSignal } from './with-signal.ts';

export interface CallOptions { signal?: AbortSignal }

export interface ChainInit {
  rpcUrl: string;
  scheduler: Address;
  /** Without one the chain can only be read. */
  privateKey?: Hex;
  /** Pause between two looks for a receipt or a block; a devnet sets 50. */
  pollingIntervalMs?: number;
  /** Ask what is asked at one moment in one HTTP request: cheaper, where the endpoint takes JSON-RPC batches; not all do. */
  batch?: boolean;
  /** When set, an endpoint of another chain is refused. */
  chainId?: number;
}

/** A scheduler on a chain, seen through one RPC endpoint, and the account that acts there. */
export interface Chain {
  readonly scheduler: Address;
  readonly pollingIntervalMs: number;
  /** Signs statements and transactions; absent for a reader. */
  readonly account?: LocalAccount;
  /** Bare viem client: use it with viem's actions, e.g. `getBlock(chain.client)`. */
  readonly client: ChainClient;
  /** @throws ChainError NO_ACCOUNT for a reader */
  sender(): Sender;
  /** @throws ChainError NO_ACCOUNT for a reader */
  signer(): LocalAccount;
  /** Where statements are valid. Asks the endpoint once. @throws ChainError CHAIN_MISMATCH, NO_CONTRACT, RPC_UNREACHABLE */
  court(options?: CallOptions): Promise<Court>;
  /** Address of the coin. Asks once. @throws ChainError */
  coin(options?: CallOptions): Promise<Address>;
}

/** `batches`: what is asked at one moment goes in one HTTP request, whoever asks. */
export type ChainClient = Client<HttpTransport> & { batches?: boolean };

/**
 * Opens a chain. Nothing is asked of the endpoint until the first call; a failed first call is not remembered.
 *
 * @example
 * const chain = createChain({ rpcUrl, scheduler, privateKey })
 * const { hash, gasUsed } = await fund(chain, { client: chain.signer().address, amount: 10n ** 18n }, { signal })
 */
export function createChain({ rpcUrl, scheduler, privateKey, chainId, batch = false, pollingIntervalMs = POLLING_INTERVAL_MS }: ChainInit): Chain {
  const client = createChainClient(rpcUrl, { batch });
  const account = privateKey === undefined ? undefined : localAccount(privateKey);
  const court = once(async (options) => {
    const reader = withSignal(client, options.signal);
    const [actual, code] = await Promise.all([getChainId(reader), getCode(reader, { address: scheduler })]);
    if (chainId !== undefined && actual !== chainId) {
      throw new ChainError('CHAIN_MISMATCH', 'the endpoint serves another chain', { details: `chain ${actual}, expected ${chainId}` });
    }
    if (code === undefined || code === '0x') {
      throw new ChainError('NO_CONTRACT', 'there is no scheduler at this address', { details: `${scheduler} on chain ${actual}`, hint: 'check the address and the chain' });
    }
    return { chainId: actual, scheduler };
  });
  const coin = once((options) => readContract(withSignal(client, options.signal), { address: scheduler, abi: schedulerAbi, functionName: 'coin' }));
  const sender = account && createSender({ client, account, chainId: async (options) => (await court(options)).chainId }, { pollingIntervalMs });

  return {
    scheduler, pollingIntervalMs, client, court, coin,
    ...(account === undefined ? {} : { account }),
    sender: () => sender ?? readOnly(),
    signer: () => account ?? readOnly(),
  };
}

/** A viem client with Gadus's timeouts and retries. */
export function createChainClient(rpcUrl: string, { batch = false }: { batch?: boolean } = {}): ChainClient {
  const transport = http(rpcUrl, {
    ...(batch ? { batch: { batchSize: RPC_BATCH, wait: 0 } } : {}), timeout: RPC_TIMEOUT_MS, retryCount: RPC_RETRIES, retryDelay: RPC_RETRY_DELAY_MS,
    fetchFn: httpFetch as unknown as typeof fetch, maxResponseBodySize: false,
  });
  return Object.assign(createClient({ transport }), { batches: batch });
}

/** Remembers the first success; one caller's abort does not fail another's call. */
function once<T>(ask: (options: CallOptions) => Promise<T>): (options?: CallOptions) => Promise<T> {
  let known: { value: T } | undefined;
  return async (options = {}) => {
    if (known === undefined) {
      try {
        known = { value: await ask(options) };
      } catch (error) {
        options.signal?.throwIfAborted();
        throw toChainError(error);
      }
    }
    return known.value;
  };
}

function readOnly(): never {
  throw new ChainError('NO_ACCOUNT', 'this needs an account', { hint: 'give a private key' });
}
