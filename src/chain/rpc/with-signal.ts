import { abortable } from '../../protocol/index.ts';
import type { ChainClient } from './chain-client.ts';

/**
 * The same client with every request bound to a signal: viem's actions take none. Of a client that batches the question itself goes on, for others
 * may be in the same HTTP request, and its answer is dropped; viem would make a batch of its own for each signal.
 */
export function withSignal(client: ChainClient, signal: AbortSignal | undefined): ChainClient {
  if (signal === undefined) return client;
  const request = (args: object, options?: object) => (client.batches === true
    ? abortable(client.request(args as never, options), signal)
    : client.request(args as never, { ...options, signal }));
  return { ...client, request: request as unknown as ChainClient['request'] };
}
