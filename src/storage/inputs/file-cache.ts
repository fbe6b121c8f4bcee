import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CID } from 'multiformats/cid';
import { abortable } from '../../protocol/base/abortable.ts';
import { removeTree } from './remove-tree.ts';

/** What is known of an extracted DAG. */
export interface CachedFile { path: string; /** Bytes of the extracted files. */ bytes: number; dagBytes: number; dagBlocks: number }

/** Fills a path that does not exist with the DAG's files. */
export type Fill = (path: string, signal: AbortSignal) => Promise<Omit<CachedFile, 'path'>>;

interface Extraction { result: Promise<CachedFile>; controller: AbortController }

/**
 * Extracted DAGs under their CIDs: filled at a temporary path and renamed, so that what has the name is whole; filled once for all who
 * ask at the same time; kept while anybody holds a pin.
 */
export class FileCache {
  readonly #dir: string;
  readonly #temporary: string;
  readonly #root: string;
  readonly #stopping = new AbortController();
  #tidying: Promise<void> | undefined;
  readonly #pins = new Map<string, number>();
  readonly #running = new Map<string, Extraction>();
  /** Entries on their way out: whoever wants one waits until it is gone. */
  readonly #leaving = new Map<string, Promise<void>>();

  constructor(dir: string) {
    this.#dir = join(dir, 'files');
    this.#temporary = join(dir, 'tmp');
    this.#root = dir;
  }

  /** Removes what a crash left half done; a million files of it hold nobody up. */
  async start(): Promise<void> {
    await mkdir(this.#root, { recursive: true });
    await rename(this.#temporary, join(this.#root, `${LEFT_OVER}${randomUUID()}`)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await mkdir(this.#temporary, { recursive: true });
    await mkdir(this.#dir, { recursive: true });
    const left = (await readdir(this.#root)).filter((name) => name.startsWith(LEFT_OVER));
    this.#tidying = (async () => {
      for (const name of left) await this.#discard(join(this.#root, name));
    })().catch(() => {});
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the storage is stopping'));
    await this.#tidying;
    for (const { controller } of this.#running.values()) controller.abort(new Error('the storage is stopping'));
    await Promise.allSettled([...this.#running.values()].map(({ result }) => result));
  }

  /** The entry if it is there, pinned: its user must unpin it. */
  async find(cid: CID): Promise<CachedFile | undefined> {
    const key = keyOf(cid);
    // Pinned first, so that no eviction comes between the look and the pin.
    this.#pin(key);
    const entry = await this.#load(key).catch(() => undefined);
    if (entry === undefined) this.unpin(cid);
    return entry;
  }

  /** The entry, pinned, filled if need be; the extraction is shared, and goes on as long as one caller waits for it. */
  async findOrFill(cid: CID, fill: Fill, signal: AbortSignal): Promise<CachedFile> {
    signal.throwIfAborted();
    const key = keyOf(cid);
    this.#pin(key);
    try {
      const entry = await this.#load(key);
      if (entry !== undefined) return entry;
      let extraction = this.#running.get(key);
      if (extraction === undefined || extraction.controller.signal.aborted) {
        const controller = new AbortController();
        const result = this.#fill(key, fill, controller.signal);
        const started: Extraction = { result, controller };
        this.#running.set(key, started);
        result.catch(() => {}).finally(() => { if (this.#running.get(key) === started) this.#running.delete(key); });
        extraction = started;
      }
      return await abortable(extraction.result, signal);
    } catch (error) {
      this.unpin(cid);
      // Everybody who waits for the extraction, or is about to, has a pin.
      if (!this.#pins.has(key)) this.#running.get(key)?.controller.abort(new Error('nobody waits for the extraction any more'));
      throw error;
    }
  }

  unpin(cid: CID): void {
    const key = keyOf(cid);
    const left = (this.#pins.get(key) ?? 1) - 1;
    if (left === 0) this.#pins.delete(key);
    else this.#pins.set(key, left);
  }

  /** Removes entries without pins, the longest unused first, until at most `maxBytes` are left. */
  async evict({ maxBytes, signal }: { maxBytes: number; signal?: AbortSignal }): Promise<{ removed: number; bytes: number }> {
    const entries: { key: string; bytes: number; usedAt: number }[] = [];
    for (const name of await readdir(this.#dir)) {
      const key = name.endsWith('.json') ? name.slice(0, -5) : undefined;
      const entry = key === undefined ? undefined : await this.#read(key);
      if (key !== undefined && entry !== undefined) entries.push({ key, bytes: entry.bytes, usedAt: (await lstat(this.#metadata(key))).mtimeMs });
    }
    entries.sort((a, b) => a.usedAt - b.usedAt);
    let left = entries.reduce((sum, { bytes }) => sum + bytes, 0);
    let removed = 0;
    for (const { key, bytes } of entries) {
      signal?.throwIfAborted();
      if (left <= maxBytes) break;
      if (this.#pins.has(key)) continue;
      const leaving = this.#remove(key).finally(() => this.#leaving.delete(key));
      this.#leaving.set(key, leaving.catch(() => {}));
      await leaving;
      left -= bytes;
      removed++;
    }
    return { removed, bytes: left };
  }

  async #fill(key: string, fill: Fill, signal: AbortSignal): Promise<CachedFile> {
    const temporary = join(this.#temporary, randomUUID());
    try {
      const entry = await fill(temporary, signal);
      signal.throwIfAborted();
      await this.#discard(join(this.#dir, key));
      await rename(temporary, join(this.#dir, key));
      // The metadata is written last, and found first: an entry without it does not count.
      const draft = join(this.#temporary, randomUUID());
      await writeFile(draft, JSON.stringify(entry), { flag: 'wx' });
      await rename(draft, this.#metadata(key));
      return { ...entry, path: join(this.#dir, key) };
    } finally {
      await this.#discard(temporary);
    }
  }

  /** Moves the entry away before it takes it apart: an entry is there whole or not at all. */
  async #remove(key: string): Promise<void> {
    const doomed = join(this.#temporary, randomUUID());
    await rm(this.#metadata(key), { force: true });
    await rename(join(this.#dir, key), doomed);
    await this.#discard(doomed);
  }

  /** Removes a path; what is left of it when the storage stops goes at the next start. */
  async #discard(path: string): Promise<void> {
    const { signal } = this.#stopping;
    await removeTree(path, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  async #load(key: string): Promise<CachedFile | undefined> {
    await this.#leaving.get(key);
    const entry = await this.#read(key);
    if (entry === undefined) return undefined;
    const now = new Date();
    await utimes(this.#metadata(key), now, now).catch(() => {});
    return { ...entry, path: join(this.#dir, key) };
  }

  async #read(key: string): Promise<Omit<CachedFile, 'path'> | undefined> {
    try {
      const entry = JSON.parse(await readFile(this.#metadata(key), 'utf8')) as Omit<CachedFile, 'path'>;
      await lstat(join(this.#dir, key));
      return entry;
    } catch (error) {
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  #metadata(key: string): string {
    return join(this.#dir, `${key}.json`);
  }

  #pin(key: string): void {
    this.#pins.set(key, (this.#pins.get(key) ?? 0) + 1);
  }
}

/** What begins with this was left half done by a process that is gone. */
const LEFT_OVER = 'left-';

function keyOf(cid: CID): string {
  return cid.toV1().toString();
}
