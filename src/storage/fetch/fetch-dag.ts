import type { CID } from 'multiformats/cid';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { isError } from '../../protocol/base/errors.ts';
import { createCascade, type Cascade, type CascadeInit } from './cascade.ts';
import { BLOCKS_AT_ONCE, BLOCKS_WITHOUT_THREAD, FETCH_BYTES, FETCH_CONCURRENCY, MAX_FETCH_BYTES, NODE_BYTES } from '../constants.ts';
import { DagWalk, type Wanted } from './dag-walk.ts';
import { StorageError } from '../errors.ts';
import type { DagSink, Receipt, Source } from '../source.ts';
import { MAX_REPEATED_BYTES, STREAM_WRITES } from '../stream/constants.ts';
import { giveBack } from '../stream/buffers.ts';
import { isLeaf } from '../unixfs/links.ts';
import { verifyBlock } from '../blocks/verify.ts';

/** How far a fetch has come, or what is made of what was fetched. */
export interface FetchProgress {
  blocks: number;
  bytes: number;
  /** Who sent the last block; empty when it is about what was fetched. */
  source: string;
  /** What is done with it after that. */
  doing?: 'decrypting' | 'unpacking';
}

export interface FetchInit {
  sources: readonly Source[];
  /** Keeps a block that did not come from a local source. The bytes are of no meaning any more once it has resolved. */
  keep(cid: CID, bytes: Uint8Array): Promise<unknown>;
  signal?: AbortSignal;
  onProgress?: (progress: FetchProgress) => void;
  /** Bytes that may come from elsewhere. */
  maxFetchBytes?: number;
  concurrency?: number;
  cascade?: CascadeInit;
}

/**
 * Brings a whole DAG here. What is here already is read and verified, so a fetch that was broken off goes on where it was. What is not
 * is streamed by the first source that can stream it and comes before any other that has it; what then still lacks is read block by
 * block, several at a time, depth first so that few links wait.
 *
 * @throws StorageError NOT_FOUND, LIMIT_EXCEEDED, DAG_INVALID, FORMAT_UNSUPPORTED; what `keep` throws; the signal's reason
 */
export async function fetchDag(root: CID, init: FetchInit): Promise<Receipt> {
  const { sources, keep, onProgress, maxFetchBytes = MAX_FETCH_BYTES, concurrency = FETCH_CONCURRENCY } = init;
  const started = performance.now();
  const cascade = createCascade(sources, init.cascade);
  const stopped = new AbortController();
  const signal = anySignal(init.signal, stopped.signal);
  const walk = new DagWalk(root);
  const total = { blocks: 0, bytes: 0, fetched: 0 };
  const checks = sources.some(({ check }) => check !== undefined);

  function count(source: Source, bytes: number): void {
    if (source.local !== true) {
      total.fetched += bytes;
      if (total.fetched > maxFetchBytes) {
        throw new StorageError('LIMIT_EXCEEDED', 'the data is larger than this node fetches', { details: `more than ${maxFetchBytes} bytes` });
      }
    }
    total.blocks++;
    total.bytes += bytes;
    onProgress?.({ blocks: total.blocks, bytes: total.bytes, source: source.name });
  }

  /** Looks for everything that is wanted, several blocks at a time; what `among` has not is put aside, unless it is everybody. */
  async function look(among?: (source: Source) => boolean): Promise<void> {
    const visitMany = async (leaves: readonly Wanted[]): Promise<void> => {
      const checked = await cascade.check(leaves.map(({ cid }) => cid), { signal });
      if (checked === undefined) return walk.again(leaves);
      for (const [i, bytes] of checked.bytes.entries()) {
        if (bytes < 0) continue;
        count(checked.source, bytes);
        walk.came(leaves[i]!, NOTHING);
      }
      walk.again(leaves.filter(({ done }) => !done));
    };
    const visit = async (entry: Wanted): Promise<void> => {
      const found = await cascade.read(entry.cid, { signal, borrowed: true, ...(among && { among }) }).catch((error: unknown) => {
        if (among === undefined || !isError(error, 'NOT_FOUND')) throw error;
      });
      if (found === undefined) return walk.absent(entry);
      count(found.source, found.bytes.length);
      if (found.source.local !== true) await keep(entry.cid, found.bytes);
      walk.came(entry, found.bytes);
      // The links of a node look at its bytes.
      if (isLeaf(entry.cid)) giveBack(found.bytes);
    };
    const next = (): Work | undefined => {
      const leaves = checks ? walk.nextLeaves({ few: BLOCKS_WITHOUT_THREAD, most: BLOCKS_AT_ONCE, mostBytes: FETCH_BYTES }) : undefined;
      if (leaves !== undefined) return { bytes: NODE_BYTES, run: () => visitMany(leaves) };
      const entry = walk.next();
      return entry && { bytes: entry.bytes, run: () => visit(entry) };
    };
    await drain(next, concurrency, signal, stopped);
  }

  /** Lets the sources that can stream have their turn, in order, until one that comes before them turns out to have it. */
  async function streamAll(): Promise<void> {
    const isLocal = ({ local }: Source) => local === true;
    for (const [i, source] of sources.entries()) {
      if (source.stream === undefined) continue;
      await look(isLocal);
      const first = walk.missing[0];
      if (first === undefined) return;
      const earlier = sources.slice(0, i).filter((one) => !isLocal(one) && one.stream === undefined);
      if (earlier.length > 0 && await hasFirst(cascade, first, earlier, signal)) return;
      const sink = createSink(source);
      try {
        await cascade.stream(source, sink, { signal });
      } finally {
        // What has come is written whether or not the rest comes.
        await sink.settled();
      }
    }
  }

  /** What one source streams into: verified at once, written a few blocks behind. */
  function createSink(source: Source): DagSink & { settled(): Promise<void> } {
    const writes = new Set<Promise<void>>();
    const failures: unknown[] = [];
    let repeated = 0;
    let useful = 0;
    const fail = (error: unknown) => {
      failures.push(error);
      stopped.abort(error);
    };
    return {
      root,
      async missing() {
        await look(({ local }) => local === true);
        return walk.missing.map(({ cid }) => cid);
      },
      async take(cid, bytes) {
        signal.throwIfAborted();
        const entry = walk.find(cid);
        if (entry === undefined) throw new StorageError('BLOCK_UNWANTED', 'a block that was not asked for', { details: cid.toString() });
        if (entry === 'known') {
          repeated += bytes.length + cid.bytes.length;
          giveBack(bytes);
          if (repeated > useful + MAX_REPEATED_BYTES) throw new StorageError('BLOCK_UNWANTED', 'the same blocks again and again', { details: `${repeated} bytes` });
          return false;
        }
        try {
          verifyBlock(entry.cid, bytes);
        } catch (error) {
          if (isError(error, 'FORMAT_UNSUPPORTED')) fail(error);
          throw error;
        }
        useful += bytes.length;
        try {
          // From here on it is what the CID names: what is wrong with it is wrong with the DAG, not with the sender.
          walk.came(entry, bytes);
          count(source, bytes.length);
        } catch (error) {
          fail(error);
          throw error;
        }
        const write = keep(entry.cid, bytes).then(() => {}, fail).finally(() => {
          writes.delete(write);
          // The links of a node look at its bytes.
          if (isLeaf(entry.cid)) giveBack(bytes);
        });
        writes.add(write);
        if (writes.size >= STREAM_WRITES) await Promise.race(writes);
        signal.throwIfAborted();
        return true;
      },
      async settled() {
        await Promise.all(writes);
        if (failures.length > 0) throw failures[0];
      },
    };
  }

  try {
    if (sources.some(({ stream }) => stream !== undefined)) {
      await streamAll();
      walk.retry();
    }
    await look();
  } finally {
    stopped.abort(new Error('the fetch is over'));
  }
  const ms = Math.round(performance.now() - started);
  return { cid: root.toString(), blocks: total.blocks, bytes: total.bytes, ms, sources: cascade.report() };
}

/** Whether one of some sources has a block: read, because that is what such sources can do. */
async function hasFirst(cascade: Cascade, { cid }: Wanted, among: readonly Source[], signal: AbortSignal): Promise<boolean> {
  try {
    await cascade.read(cid, { signal, among: (source) => among.includes(source) });
    return true;
  } catch (error) {
    if (isError(error, 'NOT_FOUND')) return false;
    throw error;
  }
}

/** Something to do, and the bytes that are in memory for it. */
interface Work { bytes: number; run(): Promise<void> }

/** Of a leaf the walk needs no bytes: it has no links. */
const NOTHING = new Uint8Array();

/** Works off a stack that grows meanwhile, so many and so many bytes at a time. Stops everything at the first failure, and ends when nothing is running any more. */
async function drain(next: () => Work | undefined, concurrency: number, signal: AbortSignal, stopped: AbortController): Promise<void> {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let bytes = 0;
  let waiting: Work | undefined;
  try {
    while (failures.length === 0) {
      signal.throwIfAborted();
      const item = waiting ?? (running.size < concurrency ? next() : undefined);
      waiting = item;
      if (item === undefined || (running.size > 0 && bytes + item.bytes > FETCH_BYTES)) {
        if (running.size === 0) break;
        await Promise.race(running);
        continue;
      }
      waiting = undefined;
      bytes += item.bytes;
      const run = item.run().catch((error: unknown) => {
        failures.push(error);
        stopped.abort(error);
      }).finally(() => {
        bytes -= item.bytes;
        running.delete(run);
      });
      running.add(run);
    }
  } finally {
    await Promise.all(running);
  }
  if (failures.length > 0) throw failures[0];
}
