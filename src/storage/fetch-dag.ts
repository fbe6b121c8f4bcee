import type { CID } from 'multiformats/cid';
import { createCascade } from './cascade.ts';
import { FETCH_CONCURRENCY, MAX_DAG_DEPTH, MAX_FETCH_BYTES } from './constants.ts';
import { StorageError } from './errors.ts';
import { blockKey, linksOf } from './links.ts';
import type { Receipt, Source } from './source.ts';
import { identityBlock } from './verify.ts';

/** How far a fetch has come. */
export interface FetchProgress { blocks: number; bytes: number; source: string }

export interface FetchInit {
  sources: readonly Source[];
  /** Keeps a block that did not come from the source named `local`. */
  keep(cid: CID, bytes: Uint8Array): Promise<unknown>;
  signal?: AbortSignal;
  onProgress?: (progress: FetchProgress) => void;
  /** Bytes that may come from elsewhere. */
  maxFetchBytes?: number;
  concurrency?: number;
  stallTimeoutMs?: number;
}

/**
 * Brings a whole DAG here, several blocks at a time, depth first so that few links wait. Blocks already here are only read and
 * verified, so a fetch that was broken off goes on where it was.
 *
 * @throws StorageError NOT_FOUND, LIMIT_EXCEEDED, DAG_INVALID, FORMAT_UNSUPPORTED; the signal's reason
 */
export async function fetchDag(root: CID, init: FetchInit): Promise<Receipt> {
  const { sources, keep, onProgress, maxFetchBytes = MAX_FETCH_BYTES, concurrency = FETCH_CONCURRENCY } = init;
  const started = performance.now();
  const cascade = createCascade(sources, init.stallTimeoutMs === undefined ? {} : { stallTimeoutMs: init.stallTimeoutMs });
  const stopped = new AbortController();
  const signal = init.signal === undefined ? stopped.signal : AbortSignal.any([init.signal, stopped.signal]);
  const waiting: { cid: CID; depth: number }[] = [{ cid: root, depth: 0 }];
  const seen = new Set([blockKey(root)]);
  const total = { blocks: 0, bytes: 0, fetched: 0 };

  async function visit(cid: CID, depth: number): Promise<void> {
    const inline = identityBlock(cid);
    const { bytes, source } = inline === undefined ? await cascade.read(cid, { signal }) : { bytes: inline, source: 'local' };
    if (source !== 'local') {
      total.fetched += bytes.length;
      if (total.fetched > maxFetchBytes) {
        throw new StorageError('LIMIT_EXCEEDED', 'the data is larger than this node fetches', { details: `more than ${maxFetchBytes} bytes` });
      }
      await keep(cid, bytes);
    }
    if (inline === undefined) {
      total.blocks++;
      total.bytes += bytes.length;
      onProgress?.({ blocks: total.blocks, bytes: total.bytes, source });
    }
    // Reversed, so that the stack yields a file's blocks in their order.
    for (const link of linksOf(cid, bytes).reverse()) {
      const key = blockKey(link.cid);
      if (seen.has(key)) continue;
      if (depth + 1 > MAX_DAG_DEPTH) throw new StorageError('DAG_INVALID', 'the DAG is too deep', { details: `more than ${MAX_DAG_DEPTH} levels` });
      seen.add(key);
      waiting.push({ cid: link.cid, depth: depth + 1 });
    }
  }

  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  try {
    while ((waiting.length > 0 || running.size > 0) && failures.length === 0) {
      signal.throwIfAborted();
      const next = running.size < concurrency ? waiting.pop() : undefined;
      if (next === undefined) {
        await Promise.race(running);
        continue;
      }
      const run = visit(next.cid, next.depth).catch((error: unknown) => { failures.push(error); }).finally(() => running.delete(run));
      running.add(run);
    }
  } finally {
    stopped.abort(new Error('the fetch is over'));
    await Promise.all(running);
  }
  init.signal?.throwIfAborted();
  if (failures.length > 0) throw failures[0];
  const ms = Math.round(performance.now() - started);
  return { cid: root.toString(), blocks: total.blocks, bytes: total.bytes, ms, sources: cascade.report() };
}
