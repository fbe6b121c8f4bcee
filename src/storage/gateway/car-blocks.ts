import { walkPath, type ReadableStorage } from 'ipfs-unixfs-exporter';
import * as dagPb from '@ipld/dag-pb';
import type { CID } from 'multiformats/cid';
import { isError } from '../../protocol/base/errors.ts';
import { BlockSet } from '../blocks/block-set.ts';
import { MAX_DAG_DEPTH } from '../constants.ts';
import { MAX_REPEATED_ANSWER_BYTES } from './constants.ts';
import { StorageError } from '../errors.ts';
import { walkDag, type WalkInit } from '../stream/walk-dag.ts';
import { openEntry } from '../unixfs/open-entry.ts';
import { linksOf } from '../unixfs/links.ts';
import { identityBlock } from '../blocks/verify.ts';
import { HttpRefusal, type GatewayRequest } from './parse-request.ts';
import { isDocument, walkDocument } from './walk-document.ts';

/** A verified block of this machine that may be served; undefined when there is none. */
export type ReadBlock = (cid: CID) => Promise<Uint8Array | undefined>;
type Block = { cid: CID; bytes: Uint8Array };

/**
 * The blocks that answer a request for a CAR: those that lead to the end of its path, then those of its scope, depth first.
 *
 * The path is resolved when this resolves; the blocks behind it come as they are taken.
 *
 * @throws HttpRefusal 404 when the root or a part of the path is not here, 400 for a range wholly outside of the file
 */
export async function carBlocks(request: GatewayRequest, read: ReadBlock, { signal, ...many }: Pick<WalkInit, 'signal' | 'readMany'>): Promise<AsyncGenerator<Block>> {
  const leading: Block[] = [];
  let end = request.cid;
  for (let rest = request.path; rest.length > 0;) ({ end, rest } = await step(end, rest, recorder(read, leading, signal), signal));
  const root = identityBlock(end) ?? await read(end);
  if (root === undefined) throw new HttpRefusal(404, 'the block is not here');
  // Said now, as long as it can be said: behind the head of an answer, all that is left is to cut it off.
  if (request.scope === 'all') linksOf(end, root);
  const range = request.entityBytes === undefined ? undefined : await rangeOf(request.entityBytes, end, read, signal);
  return (async function* () {
    const sent = new BlockSet();
    let repeated = 0;
    const fresh = ({ cid, bytes }: Block) => {
      if (sent.add(cid)) return true;
      if (!request.duplicates) return false;
      repeated += bytes.length + cid.bytes.length;
      if (repeated > MAX_REPEATED_ANSWER_BYTES) throw new StorageError('LIMIT_EXCEEDED', 'the same blocks again and again', { details: `${repeated} bytes of ${request.cid}` });
      return true;
    };
    for (const block of leading) if (fresh(block)) yield block;
    for await (const block of scopeBlocks(request, end, range, read, { signal, ...many })) if (fresh(block)) yield block;
  })();
}

async function* scopeBlocks(
  { scope, duplicates }: GatewayRequest, end: CID, range: { offset: number; length: number } | undefined, read: ReadBlock, { signal, ...many }: Pick<WalkInit, 'signal' | 'readMany'>,
): AsyncGenerator<Block> {
  if (range !== undefined) return yield* rangeBlocks(end, range, read, signal);
  const entity = scope === 'entity' ? await openEntry(storeOf(read), end, signal).catch(() => undefined) : undefined;
  if (entity?.type === 'directory') {
    // What is read to list it is what proves it: more than one block if it is sharded.
    const recorded: Block[] = [];
    const directory = await openEntry(recorder(read, recorded, signal), end, signal);
    if (directory.type === 'directory') for await (const _ of directory.entries({ signal })) yield* recorded.splice(0);
    return yield* recorded;
  }
  const depth = scope === 'block' || (scope === 'entity' && entity?.type !== 'file') ? 0 : Infinity;
  for await (const { cid, bytes } of walkDag([end], read, { signal, duplicates, depth, ...many })) {
    if (bytes === undefined) throw new StorageError('NOT_FOUND', 'a block in the middle is not here', { details: cid.toString() });
    yield { cid, bytes };
  }
}

/** The blocks that prove a range of a file: those on the way to a byte of it. */
async function* rangeBlocks(cid: CID, { offset, length }: { offset: number; length: number }, read: ReadBlock, signal: AbortSignal, depth = 0): AsyncGenerator<Block> {
  if (depth > MAX_DAG_DEPTH) throw new StorageError('DAG_INVALID', 'the DAG is too deep', { details: `more than ${MAX_DAG_DEPTH} levels` });
  const recorded: Block[] = [];
  const entry = await openEntry(recorder(read, recorded, signal), cid, signal);
  yield* recorded;
  if (entry.type !== 'file') return;
  // A node may hold bytes of its own before those of its children.
  let at = entry.unixfs.data?.length ?? 0;
  for (const [i, { Hash }] of entry.node.Links.entries()) {
    const size = Number(entry.unixfs.blockSizes[i] ?? 0);
    const from = Math.max(0, offset - at);
    const to = Math.min(size, offset + length - at);
    if (from < to) yield* rangeBlocks(Hash, { offset: from, length: to - from }, read, signal, depth + 1);
    at += size;
  }
}

/** @throws HttpRefusal 400 when none of the range is in the file; undefined for what is no file */
async function rangeOf({ from, to }: { from: number; to?: number }, end: CID, read: ReadBlock, signal: AbortSignal): Promise<{ offset: number; length: number } | undefined> {
  const entry = await openEntry(storeOf(read), end, signal).catch(() => undefined);
  if (entry === undefined || entry.type === 'directory' || entry.type === 'object') return undefined;
  const size = Number(entry.size);
  const first = Math.max(0, from < 0 ? size + from : from);
  const last = Math.min(size - 1, to === undefined ? size - 1 : to < 0 ? size + to : to);
  if (first >= size && size > 0) throw new HttpRefusal(400, `entity-bytes is outside of the ${size} bytes`);
  return { offset: first, length: Math.max(0, last - first + 1) };
}

/** Goes along a path into the next block of it; of a sharded directory only the shards on the way to it are read. @throws HttpRefusal 404; StorageError DAG_INVALID for a malformed document */
async function step(cid: CID, path: readonly string[], store: RecordingStorage, signal: AbortSignal): Promise<{ end: CID; rest: readonly string[] }> {
  if (isDocument(cid)) {
    const found = walkDocument(cid, await store.block(cid), path);
    if (found === undefined) throw new HttpRefusal(404, 'nothing of that name is here');
    return found;
  }
  const [name = '', ...rest] = path;
  // The library takes a path apart at these.
  if (cid.code === dagPb.code && !/[/\\]/.test(name)) {
    try {
      for await (const entry of walkPath(`${cid}/${name}`, store, { signal })) if (entry.name === name && entry.remainder.length === 0 && entry.roots.length > 1) return { end: entry.cid, rest };
    } catch (error) {
      signal.throwIfAborted();
      // A library's error says that there is no such entry, or that it is no directory.
      if (isError(error) && !isError(error, 'NOT_FOUND', 'DAG_INVALID')) throw error;
    }
  }
  throw new HttpRefusal(404, 'nothing of that name is here');
}

function storeOf(read: ReadBlock): ReadableStorage {
  return { async* get(cid) { yield await blockOf(cid, read); } };
}

/** @throws StorageError NOT_FOUND */
async function blockOf(cid: CID, read: ReadBlock): Promise<Uint8Array> {
  const bytes = identityBlock(cid) ?? await read(cid);
  if (bytes === undefined) throw new StorageError('NOT_FOUND', 'a block is not here', { details: cid.toString() });
  return bytes;
}

interface RecordingStorage extends ReadableStorage { block(cid: CID): Promise<Uint8Array> }

/** A store that notes what is read from it. */
function recorder(read: ReadBlock, into: Block[], signal: AbortSignal): RecordingStorage {
  const block = async (cid: CID): Promise<Uint8Array> => {
    signal.throwIfAborted();
    const bytes = await blockOf(cid, read);
    if (identityBlock(cid) === undefined) into.push({ cid, bytes });
    return bytes;
  };
  return { block, async* get(cid) { yield await block(cid); } };
}
