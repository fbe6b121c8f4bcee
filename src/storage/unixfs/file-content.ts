import type { ReadableStorage, UnixFSEntry } from 'ipfs-unixfs-exporter';
import type { CID } from 'multiformats/cid';
import { MAX_DAG_DEPTH, READ_CONCURRENCY } from '../constants.ts';
import { StorageError } from '../errors.ts';
import { giveBack } from '../stream/buffers.ts';
import { openEntry } from './open-entry.ts';

/** What has bytes of its own. */
export type UnixFSContent = Exclude<UnixFSEntry, { type: 'directory' | 'object' }>;

export interface FileContentInit {
  signal?: AbortSignal;
  /** The first byte wanted; 0 by default. */
  offset?: number;
  /** Bytes wanted; to the end by default. */
  length?: number;
  /** The store gives memory that is given back here: what was yielded is of no meaning any more once the next is asked for. */
  borrowed?: boolean;
}

/** A part of a file that is still to be read: `bytes` of it lie from `at` on. */
interface Part { cid: CID; at: number; bytes: number; depth: number; reading?: Promise<UnixFSEntry> }

/**
 * The bytes of a file, or a range of them, in order. Only blocks of the range are read, at most READ_CONCURRENCY ahead of the reader, however large
 * the file and however slowly they are taken (the library's own `content` reads on to the end, and holds what waits).
 *
 * @throws StorageError DAG_INVALID when a node's sizes are not those of what it links to; what the store throws; the signal's reason
 */
export async function* fileContent(store: ReadableStorage, entry: UnixFSContent, { signal, offset = 0, length = Infinity, borrowed = false }: FileContentInit = {}): AsyncGenerator<Uint8Array> {
  const end = offset + length;
  /** The next part last. */
  const waiting: Part[] = [];

  /** The own bytes of an entry that lie in the range; what it links to comes next. */
  function open(opened: UnixFSEntry, { cid, at, bytes, depth }: Part): Uint8Array {
    const invalid = (why: string) => new StorageError('DAG_INVALID', 'the data is not a valid UnixFS DAG', { details: `${cid}: ${why}` });
    const cut = (own: Uint8Array) => own.subarray(Math.max(0, offset - at), Math.max(0, end - at));
    if (opened.type === 'directory' || opened.type === 'object') throw invalid('a file has something else in it');
    if (opened.type !== 'file') {
      if (opened.node.length !== bytes) throw invalid(`${opened.node.length} bytes, its parent says ${bytes}`);
      return cut(opened.node);
    }
    const { node: { Links }, unixfs: { data = new Uint8Array(), blockSizes } } = opened;
    if (Links.length !== blockSizes.length) throw invalid(`${Links.length} links with ${blockSizes.length} sizes`);
    let below = at + data.length;
    const parts = Links.map(({ Hash }, i): Part => {
      const part = { cid: Hash, at: below, bytes: Number(blockSizes[i]), depth: depth + 1 };
      below += part.bytes;
      return part;
    });
    if (below !== at + bytes) throw invalid(`${below - at} bytes, it should have ${bytes}`);
    if (depth >= MAX_DAG_DEPTH && parts.length > 0) throw invalid(`more than ${MAX_DAG_DEPTH} levels`);
    waiting.push(...parts.filter((part) => part.bytes > 0 && part.at < end && part.at + part.bytes > offset).reverse());
    return cut(data);
  }

  const read = (part: Part): Promise<UnixFSEntry> => {
    if (part.reading === undefined) {
      part.reading = openEntry(store, part.cid, signal);
      part.reading.catch(() => {});
    }
    return part.reading;
  };

  /** Of a leaf: the links of a node look at its bytes. */
  const used = (opened: UnixFSEntry) => {
    if (borrowed && opened.type === 'raw') giveBack(opened.node);
  };

  const own = open(entry, { cid: entry.cid, at: 0, bytes: Number(entry.size), depth: 0 });
  if (own.length > 0) yield own;
  used(entry);
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    signal?.throwIfAborted();
    const reading = read(part);
    for (let i = waiting.length - 1; i >= Math.max(0, waiting.length - READ_CONCURRENCY + 1); i--) void read(waiting[i]!);
    const opened = await reading;
    const bytes = open(opened, part);
    if (bytes.length > 0) yield bytes;
    used(opened);
  }
}
