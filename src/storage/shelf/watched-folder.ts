import { watch, type FSWatcher } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isError, messageOf } from '../../protocol/base/errors.ts';
import type { Startable } from '../../protocol/base/startable.ts';
import { FOLDER_RESCAN_MS, FOLDER_SETTLE_MS, MAX_PROBLEMS_PER_FILE } from '../constants.ts';
import type { OpenFile } from './byte-reader.ts';
import type { Catalogue, FileEntry, ShelvedFile } from './catalogue.ts';
import { identityAt } from './file-identity.ts';

/** A kind of file with blocks in it. */
export interface Format {
  shelf: string;
  accepts(name: string): boolean;
  open(path: string): Promise<OpenFile>;
  /** Enters the blocks of an open file. @throws what keeps the rest of it from being read; what was entered counts all the same */
  index(file: OpenFile, path: string, entry: FileEntry, context: IndexContext): Promise<Pick<ShelvedFile, 'roots' | 'piece'>>;
}

export interface IndexContext { signal: AbortSignal; onSkip(why: string): void }

/** Told of a file, or the folder itself, that is not as it should be. */
export type OnProblem = (path: string, problem: string) => void;

/**
 * Keeps the catalogue in step with a folder and those below it: new and changed files are entered, those gone are taken out, those that
 * cannot be read are told of and not tried again before they change. Driven by the file system's own notices.
 */
export class WatchedFolder implements Startable {
  readonly #catalogue: Catalogue;
  readonly #format: Format;
  readonly #dir: string;
  readonly #onProblem: OnProblem;
  readonly #settleMs: number;
  readonly #stopping = new AbortController();
  readonly #watchers = new Map<string, FSWatcher>();
  #timer: NodeJS.Timeout | undefined;
  #scan: Promise<void> = Promise.resolve();
  #again = false;

  constructor(
    { catalogue, format }: { catalogue: Catalogue; format: Format },
    { dir, onProblem = () => {}, settleMs = FOLDER_SETTLE_MS }: { dir: string; onProblem?: OnProblem; settleMs?: number },
  ) {
    this.#catalogue = catalogue;
    this.#format = format;
    this.#dir = resolve(dir);
    this.#onProblem = onProblem;
    this.#settleMs = settleMs;
  }

  /** Begins the first look, which goes on in the background. */
  async start(): Promise<void> {
    this.#look();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the storage is stopping'));
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    await this.#scan;
  }

  /** Resolves when what is in the folder now is in the catalogue. */
  async settled(): Promise<void> {
    this.#look();
    let seen;
    do {
      seen = this.#scan;
      await seen;
    } while (seen !== this.#scan);
  }

  /** Looks through the folder, or once more after the look under way. */
  #look(): void {
    clearTimeout(this.#timer);
    if (this.#stopping.signal.aborted) return;
    const before = this.#scan;
    if (this.#again) return;
    this.#again = true;
    this.#scan = before.then(async () => {
      this.#again = false;
      try {
        await this.#run();
      } catch (error) {
        if (!this.#stopping.signal.aborted) this.#onProblem(this.#dir, messageOf(error));
      }
      if (this.#timer === undefined || !this.#timer.hasRef()) this.#lookIn(FOLDER_RESCAN_MS);
    });
  }

  #lookIn(ms: number): void {
    if (this.#stopping.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms);
    // Only a look that was asked for keeps the process alive.
    if (ms === FOLDER_RESCAN_MS) this.#timer.unref();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const folders = new Set<string>();
    const seen = new Set<string>();
    const waiting = [this.#dir];
    for (let dir = waiting.pop(); dir !== undefined; dir = waiting.pop()) {
      // Watched before it is read, so that no change falls between.
      this.#watch(dir);
      folders.add(dir);
      for (const entry of await readdir(dir, { withFileTypes: true })) {
        signal.throwIfAborted();
        const path = join(dir, entry.name);
        if (entry.isDirectory()) waiting.push(path);
        if (!entry.isFile() || !this.#format.accepts(entry.name)) continue;
        seen.add(path);
        await this.#take(path);
      }
    }
    for (const [dir, watcher] of this.#watchers) {
      if (folders.has(dir)) continue;
      watcher.close();
      this.#watchers.delete(dir);
    }
    for await (const file of this.#catalogue.files(this.#format.shelf, `${this.#dir}/`)) {
      if (!seen.has(file.path)) await this.#catalogue.removeFile(file);
    }
  }

  async #take(path: string): Promise<void> {
    const { signal } = this.#stopping;
    const identity = await identityAt(path);
    if (identity === undefined || (await this.#catalogue.fileAt(path))?.identity === identity) return;
    const problems: string[] = [];
    const onSkip = (why: string) => {
      if (problems.length < MAX_PROBLEMS_PER_FILE) problems.push(why);
    };
    let facts: Pick<ShelvedFile, 'roots' | 'piece'> = { roots: [] };
    const entry = await this.#catalogue.add();
    try {
      const file = await this.#format.open(path);
      try {
        facts = await this.#format.index(file, path, entry, { signal, onSkip });
      } finally {
        await file.close();
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!isError(error) && !('code' in (error as object))) throw error;
      onSkip(messageOf(error));
    }
    // A file that is still being written will tell of its next change.
    if (await identityAt(path) !== identity) return;
    const problem = problems.join('; ');
    await entry.commit({ ...facts, path, identity, shelf: this.#format.shelf, ...(problem === '' ? {} : { problem }) });
    if (problem !== '') this.#onProblem(path, problem);
  }

  #watch(dir: string): void {
    if (this.#watchers.has(dir)) return;
    try {
      const watcher = watch(dir, () => this.#lookIn(this.#settleMs));
      watcher.on('error', () => {
        watcher.close();
        this.#watchers.delete(dir);
      });
      this.#watchers.set(dir, watcher);
    } catch (error) {
      // Out of inotify watches, or gone: the regular look is left.
      this.#onProblem(dir, messageOf(error));
    }
  }
}
