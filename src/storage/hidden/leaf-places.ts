import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { CID } from 'multiformats/cid';
import { isError } from '../../protocol/base/errors.ts';
import { StorageError } from '../errors.ts';
import { borrow } from '../stream/buffers.ts';
import { blockKey } from '../unixfs/links.ts';
import { verifyBlock } from '../blocks/verify.ts';

/** Where a leaf lies. */
export interface LeafPlace { path: string; offset: number; length: number }

/** Leaves of smaller files are stored: to know the places of a million of them would take more memory than it saves of the disk. */
export const MIN_PLACED_BYTES = 64 * 1024;

/** Leaves in files of this machine that are not to change for as long as they are read, by their CIDs. Its user must close it. */
export class LeafPlaces {
  readonly #places = new Map<string, LeafPlace>();
  /** The file that was read last: leaves are read in their order. */
  #open: { path: string; handle: Promise<FileHandle> } | undefined;

  note(cid: CID, place: LeafPlace): void {
    this.#places.set(blockKey(cid), place);
  }

  /** A leaf's bytes, verified, in memory that may be given back; undefined when it lies nowhere. @throws StorageError FILE_CHANGED */
  async read(cid: CID): Promise<Uint8Array | undefined> {
    const place = this.#places.get(blockKey(cid));
    if (place === undefined) return undefined;
    const bytes = borrow(place.length);
    try {
      const { bytesRead } = await (await this.#handleOf(place.path)).read(bytes, 0, place.length, place.offset);
      verifyBlock(cid, bytes.subarray(0, bytesRead));
      return bytes;
    } catch (cause) {
      if (!isError(cause, 'BLOCK_INVALID')) throw cause;
      throw new StorageError('FILE_CHANGED', 'the file changed while it was read', { details: place.path, cause });
    }
  }

  async close(): Promise<void> {
    const handle = await this.#open?.handle.catch(() => undefined);
    this.#open = undefined;
    await handle?.close();
  }

  async #handleOf(path: string): Promise<FileHandle> {
    if (this.#open?.path !== path) {
      await this.close();
      this.#open = { path, handle: open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK) };
    }
    return this.#open!.handle;
  }
}
