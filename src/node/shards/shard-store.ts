import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as cborg from 'cborg';
import type { Hex } from 'viem';
import { shardName } from '../../protocol/index.ts';

/** What is kept of a shard that has run: enough to commit, to hand over its evidence and to open its windows. */
export interface FinishedShard {
  /** Encoded evidence. */
  evidence: Uint8Array;
  /** What its windows are cut from. */
  windowSource: Uint8Array;
  /** What its folder of the result weighs, bytes. */
  bytes: number;
  /** The same as it was published: encrypted, where the spec asks for that. */
  publishedBytes: number;
}

/** The finished shards of one replica on disk: each is there whole or not at all, so that a node that died goes on where it was. */
export class ShardStore {
  readonly #dir: string;

  /** @param dir folder of the node's evidence */
  constructor(dir: string, jobId: Hex) {
    this.#dir = join(dir, `${jobId}.shards`);
  }

  /** Shards that are there, ascending. */
  async finished(): Promise<number[]> {
    const names = await readdir(this.#dir).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return names.filter((name) => /^\d+$/.test(name)).map(Number).sort((a, b) => a - b);
  }

  async put(shard: number, { evidence, windowSource, bytes, publishedBytes }: FinishedShard): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    await this.#write(shardName(shard), cborg.encode({ evidence, windowSource, bytes, publishedBytes }));
  }

  /** A finished shard. @throws when it is not there */
  async get(shard: number): Promise<FinishedShard> {
    return cborg.decode(await readFile(join(this.#dir, shardName(shard)))) as FinishedShard;
  }

  /** Notes the sketches of all shards, which an opening on chain is made from. */
  putSketches(sketches: readonly Hex[]): Promise<void> {
    return this.#write('sketches', cborg.encode(sketches));
  }

  async sketches(): Promise<Hex[]> {
    return cborg.decode(await readFile(join(this.#dir, 'sketches'))) as Hex[];
  }

  /** Drops one shard, or everything. */
  async remove(shard?: number): Promise<void> {
    await rm(shard === undefined ? this.#dir : join(this.#dir, shardName(shard)), { recursive: true, force: true });
  }

  async #write(name: string, bytes: Uint8Array): Promise<void> {
    const draft = join(this.#dir, `.${name}`);
    await writeFile(draft, bytes, { mode: 0o600 });
    await rename(draft, join(this.#dir, name));
  }
}
