import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FsBlockstore } from 'blockstore-fs';
import { NextToLast } from 'blockstore-fs/sharding';
import { NotFoundError } from '@libp2p/interface';
import type { CID } from 'multiformats/cid';
import { MAX_BLOCK_BYTES } from './constants.ts';
import { StorageError } from './errors.ts';
import { blockKey } from './links.ts';

/**
 * The blocks on this machine, a file each. A block is read whole in one call, and two writers of one block share one write:
 * the base class's would race for the same temporary file.
 */
export class LocalBlocks extends FsBlockstore {
  readonly #sharding: NextToLast;
  readonly #writes = new Map<string, Promise<CID>>();

  constructor(dir: string) {
    const shardingStrategy = new NextToLast();
    super(dir, { shardingStrategy });
    this.#sharding = shardingStrategy;
  }

  override async put(cid: CID, value: Parameters<FsBlockstore['put']>[1], options?: { signal?: AbortSignal }): Promise<CID> {
    if (value instanceof Uint8Array && value.length > MAX_BLOCK_BYTES) {
      throw new StorageError('BLOCK_TOO_LARGE', 'the block is too large', { details: `${cid}: ${value.length} bytes` });
    }
    const key = blockKey(cid);
    let write = this.#writes.get(key);
    if (write === undefined) {
      write = this.#put(cid, value, options).finally(() => this.#writes.delete(key));
      this.#writes.set(key, write);
    }
    return write;
  }

  override async* get(cid: CID, options?: { signal?: AbortSignal }): AsyncGenerator<Uint8Array> {
    const block = await this.read(cid, options);
    if (block === undefined) throw new NotFoundError(`${cid} is not in the store`);
    yield block;
  }

  /** A block's bytes, unverified; undefined when it is not here. */
  async read(cid: CID, { signal }: { signal?: AbortSignal } = {}): Promise<Uint8Array | undefined> {
    try {
      return new Uint8Array(await readFile(this.#pathOf(cid), { signal }));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      signal?.throwIfAborted();
      throw error;
    }
  }

  /** A block's size; undefined when it is not here. */
  async sizeOf(cid: CID): Promise<number | undefined> {
    try {
      return (await stat(this.#pathOf(cid))).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #put(cid: CID, value: Parameters<FsBlockstore['put']>[1], options?: { signal?: AbortSignal }): Promise<CID> {
    return await this.has(cid, options) ? cid : super.put(cid, value, options);
  }

  #pathOf(cid: CID): string {
    const { dir, file } = this.#sharding.encode(cid);
    return join(this.path, dir, file);
  }
}
