import type { Address, Hex, LocalAccount } from 'viem';
import { getChainId, getCode, readContract } from 'viem/actions';
import type { Court } from '../protocol/index.ts';
import { schedulerAbi } from './abi.ts';
import { localAccount } from './accounts/local-account.ts';
import { createChainClient, type CallOptions, type ChainClient } from './rpc/chain-client.ts';
import { POLLING_INTERVAL_MS } from './constants.ts';
import { ChainError, toChainError } from './errors.ts';
import { createSender, type Sender } from './rpc/sender.ts';
import { withSignal } from './rpc/with-signal.ts';

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
