import type { CID } from 'multiformats/cid';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { isError, messageOf } from '../../protocol/base/errors.ts';
import { StorageError } from '../errors.ts';
import { httpGet } from '../gateway/http-get.ts';
import { ByteQueue } from '../stream/byte-queue.ts';
import { MAX_PROVIDER_ADDRESSES, MAX_PROVIDERS, MAX_RECORD_BYTES, MAX_ROUTING_BYTES, ROUTING_TIMEOUT_MS } from './constants.ts';

/** Somebody who is said to have a CID. */
export interface Provider {
  /** libp2p peer id, as text; unverified. */
  id?: string;
  /** Multiaddrs or URLs, as text; unverified. */
  addrs: string[];
  /** e.g. `transport-bitswap`, `transport-ipfs-gateway-http`. */
  protocols: string[];
}

export interface FindInit {
  signal: AbortSignal;
  /** Only providers that speak one of these. */
  protocols?: readonly string[];
  limit?: number;
  timeoutMs?: number;
}

const NDJSON = 'application/x-ndjson';

/**
 * Asks a router who has a CID, by `/routing/v1/providers` (specs.ipfs.tech/routing/http-routing-v1), as the answers come.
 * Records that are none are left out.
 *
 * @param endpoint the router, named by the configuration
 * @throws StorageError HTTP_FAILED, STALLED, LIMIT_EXCEEDED, ADDRESS_REFUSED; the signal's reason
 */
export async function* findProviders(endpoint: URL, cid: CID, { signal, protocols = [], limit = MAX_PROVIDERS, timeoutMs = ROUTING_TIMEOUT_MS }: FindInit): AsyncGenerator<Provider> {
  const url = new URL(`/routing/v1/providers/${cid}`, endpoint);
  if (protocols.length > 0) url.searchParams.set('filter-protocols', protocols.join(','));
  const deadline = AbortSignal.timeout(timeoutMs);
  const until = anySignal(signal, deadline);
  let found = 0;
  try {
    const { status, headers, body } = await httpGet(url, { signal: until, trusted: true, headers: { accept: `${NDJSON}, application/json;q=0.9` } });
    try {
      // No providers is an empty 200; many say 404 all the same (IPIP-513).
      if (status === 404) return;
      if (status !== 200) throw new StorageError('HTTP_FAILED', 'the router failed', { details: `${url.host}: HTTP ${status}` });
      const bytes = new ByteQueue(body, { signal: until, stallMs: timeoutMs });
      const records = headers['content-type']?.startsWith(NDJSON) === true ? readLines(bytes) : readList(bytes);
      for await (const record of records) {
        const provider = toProvider(record);
        if (provider === undefined) continue;
        // A router may not know the filter.
        if (protocols.length > 0 && !provider.protocols.some((one) => protocols.includes(one))) continue;
        yield provider;
        if (++found >= limit) return;
      }
    } finally {
      body.destroy();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.aborted) throw new StorageError('STALLED', 'the router took too long', { details: `${url.host}: more than ${timeoutMs} ms`, cause: error });
    if (isError(error)) throw error;
    throw new StorageError('HTTP_FAILED', 'the router failed', { details: `${url.host}: ${messageOf(error)}`, cause: error });
  }
}

async function* readLines(queue: ByteQueue): AsyncGenerator<unknown> {
  let rest = Buffer.alloc(0);
  for await (const chunk of limited(queue)) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      yield parse(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
    }
    if (rest.length > MAX_RECORD_BYTES) throw new StorageError('LIMIT_EXCEEDED', 'a record of the router is too long', { details: `more than ${MAX_RECORD_BYTES} bytes` });
  }
  yield parse(rest);
}

async function* readList(queue: ByteQueue): AsyncGenerator<unknown> {
  const parts: Uint8Array[] = [];
  for await (const chunk of limited(queue)) parts.push(chunk);
  const value = parse(Buffer.concat(parts));
  if (value === undefined || value === null || typeof value !== 'object') throw new StorageError('HTTP_FAILED', 'the router\'s answer is not JSON');
  if ('Providers' in value && Array.isArray(value.Providers)) yield* value.Providers as unknown[];
}

async function* limited(queue: ByteQueue): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of queue.rest()) {
    bytes += chunk.length;
    if (bytes > MAX_ROUTING_BYTES) throw new StorageError('LIMIT_EXCEEDED', 'the router\'s answer is too long', { details: `more than ${MAX_ROUTING_BYTES} bytes` });
    yield chunk;
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch {
    return undefined;
  }
}

function toProvider(record: unknown): Provider | undefined {
  if (record === null || typeof record !== 'object') return undefined;
  const { ID, Addrs, Protocols, Protocol } = record as Record<string, unknown>;
  const texts = (value: unknown) => (Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string' && one.length < 1_000).slice(0, MAX_PROVIDER_ADDRESSES) : []);
  const addrs = texts(Addrs);
  // Older routers name one protocol in a field of its own.
  const protocols = [...texts(Protocols), ...(typeof Protocol === 'string' ? [Protocol] : [])];
  if (addrs.length === 0 && typeof ID !== 'string') return undefined;
  return { addrs, protocols, ...(typeof ID === 'string' && ID.length < 200 && { id: ID }) };
}
