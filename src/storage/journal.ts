import * as fs from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Callbacks cost half of what `FileHandle`s do, and a job writes thirty times. */
const file = {
  open: promisify(fs.open), sync: promisify(fs.fdatasync), close: promisify(fs.close),
  write: (descriptor: number, bytes: Buffer, from: number) => new Promise<number>((resolve, reject) => {
    fs.write(descriptor, bytes, from, null, null, (error, written) => { if (error === null) resolve(written); else reject(error); });
  }),
};

/** Records on disk, one file each, replaced atomically: after a crash a record is either the old one or the new one. */
export interface Journal<T> {
  get(key: string): Promise<T | undefined>;
  /**
   * Replaces a record. It outlives the process at once; with `durable` (the default) a power cut as well. Without, a write costs a
   * quarter: right for what can be had again elsewhere.
   */
  put(key: string, record: T, options?: { durable?: boolean }): Promise<void>;
  delete(key: string): Promise<void>;
  /** Every readable record; a damaged file is moved aside (`.damaged`) and reported, never fatal. */
  all(): Promise<{ key: string; record: T }[]>;
}

/** A write that begins when the one before it has ended. */
interface Waiting { text: string; durable: boolean; done: PromiseWithResolvers<void> }

/** Opens (and makes) the journal in `dir`. Keys are file names: letters, digits and dashes. Records are JSON; bigints survive. */
export async function openJournal<T>(dir: string, onDamaged: (path: string) => void = () => {}): Promise<Journal<T>> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const pathOf = (key: string) => {
    if (!/^[A-Za-z0-9-]{1,100}$/.test(key)) throw new TypeError(`not a journal key: ${key}`);
    return join(dir, `${key}.json`);
  };
  /** Keys that are being written, each with the text that waits for the end of that; later texts replace a waiting one. */
  const writes = new Map<string, { next?: Waiting }>();

  async function read(path: string): Promise<T | undefined> {
    try {
      return parse(await readFile(path, 'utf8')) as T;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      if (!(error instanceof SyntaxError)) throw error;
      await rename(path, `${path}.damaged`);
      onDamaged(path);
      return undefined;
    }
  }

  async function write(path: string, { text, durable }: Pick<Waiting, 'text' | 'durable'>): Promise<void> {
    // Several processes may share a journal: each writes beside the record under a name of its own.
    const temporary = `${path}.${process.pid}.new`;
    const bytes = Buffer.from(text);
    const descriptor = await file.open(temporary, 'w', 0o600);
    try {
      // A disk that is nearly full may take a part.
      for (let written = 0; written < bytes.length;) written += await file.write(descriptor, bytes, written);
      if (durable) await file.sync(descriptor);
    } finally {
      await file.close(descriptor);
    }
    await rename(temporary, path);
  }

  async function begin(key: string, path: string, content: Pick<Waiting, 'text' | 'durable'>): Promise<void> {
    const entry: { next?: Waiting } = {};
    writes.set(key, entry);
    try {
      await write(path, content);
    } finally {
      // In one step with the end of this write: two of one key at a time would be into one file.
      const { next } = entry;
      if (next === undefined) writes.delete(key);
      else begin(key, path, next).then(next.done.resolve, next.done.reject);
    }
  }

  return {
    get: (key) => read(pathOf(key)),
    async put(key, record, { durable = true } = {}) {
      const path = pathOf(key);
      const text = stringify(record);
      const current = writes.get(key);
      if (current === undefined) return begin(key, path, { text, durable });
      if (current.next !== undefined) {
        current.next.text = text;
        current.next.durable ||= durable;
      } else {
        current.next = { text, durable, done: Promise.withResolvers<void>() };
      }
      return current.next.done.promise;
    },
    delete: (key) => rm(pathOf(key), { force: true }),
    async all() {
      const names = (await readdir(dir)).filter((name) => name.endsWith('.json')).sort();
      const found: { key: string; record: T }[] = [];
      for (const name of names) {
        const record = await read(join(dir, name));
        if (record !== undefined) found.push({ key: name.slice(0, -'.json'.length), record });
      }
      return found;
    },
  };
}

function stringify(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? { $bigint: v.toString() } : v));
}

function parse(text: string): unknown {
  return JSON.parse(text, (_key, v: unknown) =>
    v !== null && typeof v === 'object' && '$bigint' in v ? BigInt(String(v.$bigint)) : v);
}
