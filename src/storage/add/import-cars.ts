import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { CID } from 'multiformats/cid';
import { isError } from '../../protocol/base/errors.ts';
import type { LocalBlocks } from '../blocks/local-blocks.ts';
import { identityBlock, verifyBlock } from '../blocks/verify.ts';
import { openCarStream } from '../car/open-car-stream.ts';
import { BLOCK_WRITE_CONCURRENCY, SPACE_CHECK_BYTES } from '../constants.ts';
import { StorageError, type StorageErrorCode } from '../errors.ts';
import { measureLocality } from '../inputs/locality.ts';
import { forEachParallel } from '../parallel.ts';
import { ByteQueue } from '../stream/byte-queue.ts';
import { linksOf } from '../unixfs/links.ts';

/** A CAR of version 1 or 2: a file of this machine by its path, or the bytes as they come. */
export type CarInput = string | AsyncIterable<Uint8Array>;

/** A DAG that CARs brought: what is here of it, all of it. */
export interface ImportedRoot { cid: CID; bytes: number; blocks: number }

export interface ImportedCars {
  roots: ImportedRoot[];
  /** Of the blocks in the CARs, each as often as it is in one. */
  bytes: number;
  blocks: number;
}

export interface ImportCarsInit {
  signal: AbortSignal;
  requireSpace(bytes: number): Promise<void>;
  onProgress?: ((progress: { bytes: number; blocks: number }) => void) | undefined;
}

/** How many bytes of a file are read at once. */
const READ_BYTES = 1 << 20;
/** Read from a file before that is looked at: a device or pipe is none, and would keep whoever opens it waiting. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * Puts the blocks of CARs into a store, each verified, and checks that all the DAGs whose roots they name are here then: of one DAG every CAR may have a part.
 * What came before an error is in the store.
 *
 * @throws StorageError CAR_INVALID (no CAR, or one without roots), FORMAT_UNSUPPORTED (a root that is no UnixFS), BLOCK_INVALID, BLOCK_TOO_LARGE, STREAM_CUT, each
 * naming the CAR; SOURCE_INVALID for a path that is no file; NOT_FOUND when blocks lack; DISK_FULL; the signal's reason
 */
export async function importCars(blocks: LocalBlocks, cars: readonly CarInput[], init: ImportCarsInit): Promise<ImportedCars> {
  const progress = { bytes: 0, blocks: 0 };
  const roots = new Map<string, CID>();
  let unchecked = SPACE_CHECK_BYTES;
  const keep = async (cid: CID, bytes: Uint8Array) => {
    verifyBlock(cid, bytes);
    unchecked += bytes.length;
    if (unchecked >= SPACE_CHECK_BYTES) {
      unchecked = 0;
      await init.requireSpace(0);
    }
    // What is here of it may be damaged.
    await blocks.put(cid, bytes, { replace: true });
    progress.bytes += bytes.length;
    progress.blocks++;
    init.onProgress?.({ ...progress });
  };
  for (const car of cars) {
    const name = typeof car === 'string' ? car : 'the CAR that was sent';
    try {
      for (const root of await (typeof car === 'string' ? importFile(car, keep, init) : importStream(car, keep, init))) roots.set(root.toString(), root);
    } catch (error) {
      init.signal.throwIfAborted();
      if (!isError(error) || error.code === 'DISK_FULL') throw error;
      throw new StorageError(error.code as StorageErrorCode, error.shortMessage, {
        details: [name, error.details].filter((part) => part !== undefined).join(': '), ...(error.hint !== undefined && { hint: error.hint }), cause: error,
      });
    }
  }
  const imported: ImportedRoot[] = [];
  for (const cid of roots.values()) {
    const { heldBytes: bytes, blocks: count, share } = await measureLocality(blocks, cid, { signal: init.signal });
    if (share < 1) {
      throw new StorageError('NOT_FOUND', 'the CARs lack blocks of a DAG whose root they name', {
        details: `${cid}: ${count} blocks of it are here`, hint: 'what came stays for a while; import the CAR with the rest, or gadus data pin fetches it from others',
      });
    }
    imported.push({ cid, bytes, blocks: count });
  }
  return { roots: imported, ...progress };
}

async function importFile(path: string, keep: Keep, init: ImportCarsInit): Promise<CID[]> {
  const handle = await open(path, FLAGS).catch((cause: unknown) => { throw new StorageError('SOURCE_INVALID', 'the CAR cannot be read', { details: (cause as Error).message, cause }); });
  try {
    if (!(await handle.stat()).isFile()) throw new StorageError('SOURCE_INVALID', 'this is not a file', { hint: 'what comes from a pipe is read from standard input: -' });
    return await importStream(handle.createReadStream({ start: 0, highWaterMark: READ_BYTES, autoClose: false, signal: init.signal }), keep, init);
  } finally {
    await handle.close();
  }
}

type Keep = (cid: CID, bytes: Uint8Array) => Promise<void>;

async function importStream(bytes: AsyncIterable<Uint8Array>, keep: Keep, { signal }: ImportCarsInit): Promise<CID[]> {
  const queue = new ByteQueue(bytes, { signal, stallMs: Infinity });
  try {
    const car = await openCarStream(queue, { signal });
    if (car.roots.length === 0) throw new StorageError('CAR_INVALID', 'the CAR names no root', { hint: 'nothing would keep its blocks' });
    // Before anything of it is read: what cannot be walked cannot be kept.
    for (const root of car.roots) linksOf(root, identityBlock(root) ?? new Uint8Array());
    await forEachParallel(car.blocks, BLOCK_WRITE_CONCURRENCY, (block) => keep(block.cid, block.bytes));
    return car.roots;
  } finally {
    queue.stop();
  }
}
