import { setTimeout as sleep } from 'node:timers/promises';
import { getBlockNumber } from 'viem/actions';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { RECEIPT_TIMEOUT_MS } from '../constants.ts';
import { ChainError, toChainError } from '../errors.ts';
import { pollDelays } from '../rpc/poll-delays.ts';
import { withSignal } from '../rpc/with-signal.ts';

/** Waits until the chain has a block of this number or above. @throws ChainError RPC_UNREACHABLE, TX_TIMEOUT */
export async function waitForBlock(chain: Chain, number: bigint, { signal }: CallOptions = {}): Promise<void> {
  const deadline = performance.now() + RECEIPT_TIMEOUT_MS;
  for (const pause of pollDelays(chain.pollingIntervalMs)) {
    try {
      // viem remembers the last number for as long as a block takes; here a stale one only costs time.
      if (await getBlockNumber(withSignal(chain.client, signal), { cacheTime: 0 }) >= number) return;
    } catch (error) {
      signal?.throwIfAborted();
      throw toChainError(error);
    }
    if (performance.now() > deadline) break;
    await sleep(pause, undefined, signal === undefined ? {} : { signal });
  }
  throw new ChainError('TX_TIMEOUT', 'the block did not come in time', { details: `block ${number}` });
}
