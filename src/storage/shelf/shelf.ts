import type { CID } from 'multiformats/cid';
import { isError, messageOf } from '../../protocol/base/errors.ts';
import { readSectionHead } from '../car/scan-car.ts';
import { MAX_BLOCK_BYTES, MAX_CID_BYTES } from '../constants.ts';
import { StorageError } from '../errors.ts';
import type { Source } from '../source.ts';
import { verifyBlock } from '../blocks/verify.ts';
import { openFile, type ByteReader, type OpenFile } from './byte-reader.ts';
import type { Catalogue, Place } from './catalogue.ts';

/** Blocks that lie in files of this machine which are not ours: read where they are, never kept a second time. */
export interface Shelf extends Source {
  local: true;
  /** A block's bytes, verified; undefined when it is not here. @throws StorageError FILE_CHANGED, NOT_UNSEALED */
  find(cid: CID): Promise<Uint8Array | undefined>;
  /** A block's size, as far as the catalogue says; undefined when it is not here. */
  sizeOf(cid: CID): Promise<number | undefined>;
  /** Where blocks lie in files that are read as they are, of each one place, as far as the catalogue says. */
  placesOf?(cids: readonly CID[]): Promise<({ path: string; identity: string; offset: number; length: number } | undefined)[]>;
}

export interface ShelfComponents {
  catalogue: Catalogue;
  /** Opens a file of the shelf. */
  open(path: string): Promise<OpenFile>;
}

/**
 * The shelf of a name. What it gives was hashed just before: a file that was changed is found out by its identity, and one that was
 * changed in secret by its bytes.
 *
 * @param onChanged told of a file that is not what the catalogue says
 */
export function createShelf({ catalogue, open }: ShelfComponents, name: string, onChanged: (path: string) => void | Promise<void> = () => {}): Shelf {
  async function* places(cid: CID): AsyncGenerator<Place> {
    for await (const place of catalogue.places(cid)) if (place.file.shelf === name) yield place;
  }

  async function use<T>({ file: { path, identity } }: Place, read: (file: ByteReader) => Promise<T>): Promise<T> {
    let file: OpenFile;
    try {
      file = await open(path);
    } catch (cause) {
      await onChanged(path);
      throw changed(path, messageOf(cause), cause);
    }
    try {
      if (file.identity !== identity) {
        await onChanged(path);
        throw changed(path, 'its size or times are others');
      }
      return await read(file);
    } finally {
      await file.close();
    }
  }

  async function bytesOf(cid: CID, place: Place): Promise<Uint8Array> {
    const bytes = await use(place, async (file) => {
      const { offset, length } = await locate(file, place);
      if (length > MAX_BLOCK_BYTES) throw changed(place.file.path, `a block of ${length} bytes`);
      return file.read(offset, length);
    });
    try {
      verifyBlock(cid, bytes);
    } catch (cause) {
      await onChanged(place.file.path);
      throw changed(place.file.path, `other bytes at ${place.offset}`, cause);
    }
    return bytes;
  }

  async function find(cid: CID): Promise<Uint8Array | undefined> {
    let failure: unknown;
    for await (const place of places(cid)) {
      try {
        return await bytesOf(cid, place);
      } catch (error) {
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
    return undefined;
  }

  return {
    name,
    local: true,
    find,
    async has(cid, { signal }) {
      signal.throwIfAborted();
      for await (const place of places(cid)) if (await use(place, async () => true)) return true;
      return false;
    },
    async read(cid, { signal }) {
      signal.throwIfAborted();
      const bytes = await find(cid);
      if (bytes === undefined) throw new StorageError('NOT_FOUND', 'not in its files');
      return bytes;
    },
    // Of a sector the bytes are not those of the file.
    ...(open === openFile && {
      placesOf: (cids) => Promise.all(cids.map(async (cid) => {
        for await (const { file: { path, identity }, offset, length } of places(cid)) if (length !== undefined) return { path, identity, offset, length };
        return undefined;
      })),
    }),
    async sizeOf(cid) {
      for await (const place of places(cid)) {
        try {
          return (await use(place, async (file) => locate(file, place))).length;
        } catch (error) {
          if (!isError(error)) throw error;
        }
      }
      return undefined;
    },
  };
}

/** Where the block's own bytes are: behind the section's head, where only that is known. */
async function locate(file: ByteReader, { file: { path }, offset, length }: Place): Promise<{ offset: number; length: number }> {
  if (length !== undefined) return { offset, length };
  const head = readSectionHead(await file.read(offset, MAX_CID_BYTES + 10), offset);
  if (head === undefined) throw changed(path, `nothing at ${offset}`);
  return { offset: head.blockOffset, length: head.end - head.blockOffset };
}

function changed(path: string, why: string, cause?: unknown): StorageError {
  return new StorageError('FILE_CHANGED', 'a file changed after it was read', {
    details: `${path}: ${why}`, hint: 'add it again', ...(cause === undefined ? {} : { cause }),
  });
}
