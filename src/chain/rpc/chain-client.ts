import { createClient, http, type Client, type HttpTransport } from 'viem';
import { RPC_BATCH, RPC_RETRIES, RPC_RETRY_DELAY_MS, RPC_TIMEOUT_MS } from '../constants.ts';
import { httpFetch } from './http-fetch.ts';

export interface CallOptions { signal?: AbortSignal }

/** `batches`: what is asked at one moment goes in one HTTP request, whoever asks. */
export type ChainClient = Client<HttpTransport> & { batches?: boolean };

/** A viem client with Gadus's timeouts and retries. */
export function createChainClient(rpcUrl: string, { batch = false }: { batch?: boolean } = {}): ChainClient {
  const transport = http(rpcUrl, {
    ...(batch ? { batch: { batchSize: RPC_BATCH, wait: 0 } } : {}), timeout: RPC_TIMEOUT_MS, retryCount: RPC_RETRIES, retryDelay: RPC_RETRY_DELAY_MS,
    fetchFn: httpFetch as unknown as typeof fetch, maxResponseBodySize: false,
  });
  return Object.assign(createClient({ transport }), { batches: batch });
}
