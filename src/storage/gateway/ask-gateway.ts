import type { CID } from 'multiformats/cid';
import { readCarHeader } from '../car/read-header.ts';
import { writeVarint } from '../car/varint.ts';
import { MAX_BLOCK_BYTES, MAX_CAR_HEADER_BYTES } from '../constants.ts';
import { StorageError } from '../errors.ts';
import { ByteQueue } from '../stream/byte-queue.ts';
import { readSections, type ClaimedBlock } from '../stream/read-sections.ts';
import { CAR_TYPE, GATEWAY_ASK_TIMEOUT_MS, RAW_TYPE } from './constants.ts';
import { httpGet, type HttpAnswer } from './http-get.ts';

/** An HTTP host that speaks the trustless gateway protocol. */
export interface Gateway {
  /** Without a path of its own: `https://example.org/`. */
  url: URL;
  /** It may be on this machine or network. */
  trusted: boolean;
  /** Named by others, not by the configuration. */
  found?: boolean;
}

export interface AskInit { signal: AbortSignal; headTimeoutMs?: number; stallMs?: number }

/** What of a DAG is asked for. */
export interface CarScope {
  scope?: 'all' | 'entity' | 'block';
  /** Bytes of a file, as `from:to` of the specification: inclusive, negative from the end, `*` for the end. Implies `entity`. */
  entityBytes?: string;
  /** Blocks once, or as often as they are linked to. */
  duplicates?: boolean;
}

/** One block. @throws StorageError NOT_FOUND, HTTP_FAILED, STALLED, STREAM_CUT, BLOCK_TOO_LARGE, ADDRESS_REFUSED; the signal's reason */
export async function askForBlock(gateway: Gateway, cid: CID, init: AskInit): Promise<Uint8Array> {
  const url = new URL(`/ipfs/${cid}?format=raw`, gateway.url);
  const { body, headers } = await expect200(url, RAW_TYPE, gateway, init);
  const claimed = Number(headers['content-length'] ?? 0);
  try {
    if (claimed > MAX_BLOCK_BYTES) throw tooLarge(claimed);
    const queue = new ByteQueue(body, { signal: init.signal, ...(init.stallMs !== undefined && { stallMs: init.stallMs }) });
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of queue.rest()) {
      parts.push(part);
      length += part.length;
      if (length > MAX_BLOCK_BYTES) throw tooLarge(length);
    }
    return Buffer.concat(parts);
  } finally {
    body.destroy();
  }
}

/** Whether a gateway has a block: at hand or, of one that the configuration names, anywhere it looks. @throws StorageError HTTP_FAILED, STALLED, ADDRESS_REFUSED; the signal's reason */
export async function askWhether(gateway: Gateway, cid: CID, { signal, headTimeoutMs = GATEWAY_ASK_TIMEOUT_MS }: AskInit): Promise<boolean> {
  const { status, body, url } = await httpGet(new URL(`/ipfs/${cid}?format=raw`, gateway.url), {
    method: 'HEAD', signal, trusted: gateway.trusted, timeoutMs: headTimeoutMs, headers: { accept: RAW_TYPE, ...(gateway.found === true && { 'cache-control': 'only-if-cached' }) },
  });
  body.destroy();
  if (status === 200) return true;
  if (status === 404 || status === 410 || status === 412 || status === 504) return false;
  throw new StorageError('HTTP_FAILED', 'the gateway gave no answer', { details: `${url.host}: HTTP ${status}` });
}

/** A block of a CAR, and whether its sender promised that parents come before their children, and nothing else. */
export interface CarBlock extends ClaimedBlock { ordered: boolean }

/** The blocks of a CAR as they come, unverified. Leaving the loop ends the transfer. @throws as `askForBlock`; StorageError CAR_INVALID */
export async function* askForCar(gateway: Gateway, path: string, { scope = 'all', entityBytes, duplicates = false }: CarScope, init: AskInit): AsyncGenerator<CarBlock> {
  const url = new URL(`/ipfs/${path}`, gateway.url);
  url.searchParams.set('format', 'car');
  url.searchParams.set('dag-scope', entityBytes === undefined ? scope : 'entity');
  if (entityBytes !== undefined) url.searchParams.set('entity-bytes', entityBytes);
  const dups = duplicates ? 'y' : 'n';
  url.searchParams.set('car-version', '1');
  url.searchParams.set('car-order', 'dfs');
  url.searchParams.set('car-dups', dups);
  const { body, headers } = await expect200(url, `${CAR_TYPE}; version=1; order=dfs; dups=${dups}`, gateway, init);
  try {
    const type = headers['content-type'] ?? '';
    if (!type.startsWith(CAR_TYPE)) throw new StorageError('CAR_INVALID', 'the answer is not a CAR', { details: type.slice(0, 100) });
    const ordered = /;\s*order=dfs\s*(;|$)/i.test(type);
    const queue = new ByteQueue(body, { signal: init.signal, owned: true, ...(init.stallMs !== undefined && { stallMs: init.stallMs }) });
    await skipHeader(queue);
    for await (const block of readSections(queue)) yield { ...block, ordered };
  } finally {
    body.destroy();
  }
}

async function expect200(url: URL, accept: string, { trusted }: Gateway, { signal, headTimeoutMs }: AskInit): Promise<HttpAnswer> {
  const answer = await httpGet(url, { signal, trusted, headers: { accept }, ...(headTimeoutMs !== undefined && { timeoutMs: headTimeoutMs }) });
  if (answer.status === 200) return answer;
  answer.body.destroy();
  if (answer.status === 404 || answer.status === 410 || answer.status === 504) throw new StorageError('NOT_FOUND', 'the gateway does not have it', { details: `${url.host}: HTTP ${answer.status}` });
  throw new StorageError('HTTP_FAILED', 'the gateway failed', { details: `${url.host}: HTTP ${answer.status}` });
}

/** The header must be one; what roots it names does not matter, since every block is looked at for itself. */
async function skipHeader(queue: ByteQueue): Promise<void> {
  const length = await queue.varint();
  if (length === undefined) throw new StorageError('STREAM_CUT', 'the stream was cut off', { details: 'before it began' });
  if (length > MAX_CAR_HEADER_BYTES) throw new StorageError('CAR_INVALID', 'not a valid CAR', { details: `a header of ${length} bytes` });
  const header = Buffer.concat([writeVarint(length), await queue.take(length) ?? new Uint8Array()]);
  const { version } = await readCarHeader({ size: header.length, read: async (offset, count) => header.subarray(offset, offset + count) });
  if (version !== 1) throw new StorageError('CAR_INVALID', 'not a CAR of version 1', { details: `version ${version}` });
}

function tooLarge(bytes: number): StorageError {
  return new StorageError('BLOCK_TOO_LARGE', 'the block is too large', { details: `${bytes} bytes, at most ${MAX_BLOCK_BYTES}` });
}
