import type { ChainClient } from './chain-client.ts';

/** The same client with every request bound to a signal: viem's actions take none. */
export function withSignal(client: ChainClient, signal: AbortSignal | undefined): ChainClient {
  const request = (args: object, options?: object) =>
    client.request(args as never, { ...options, ...(signal === undefined ? {} : { signal }) });
  return { ...client, request: request as unknown as ChainClient['request'] };
}
