import { open, mkdir, symlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { RunResult } from '../engine.ts';
import { ExecutorError } from '../errors.ts';
import { LONGEST_OUTPUT_PATH_BYTES } from '../constants.ts';
import { BASE_OUTPUT_ENTRIES, MAX_OUTPUT_ENTRIES, MAX_OUTPUT_PATH_BYTES, MAX_OUTPUT_REMARKS, OUTPUT_ENTRY_BYTES } from './constants.ts';
import { decodeStrings, misbehaved } from './wire.ts';

export interface OutputReceiver {
  entry(payload: Buffer): Promise<void>;
  data(payload: Buffer): Promise<void>;
  /** @throws ExecutorError GUEST_MISBEHAVED when the last file is not whole */
  end(): { outputs: RunResult['outputs']; notes: string[] };
  /** Closes a file that will not be whole. */
  close(): Promise<void>;
}

const MAX_NAME_BYTES = 255;
/** Longest target of a link: the kernel's. */
const MAX_TARGET_BYTES = 4095;
const SLASH = '/'.charCodeAt(0);

/** Entries that a job's outputs may have. */
export function mostEntries(diskBytes: number): number {
  return Math.min(MAX_OUTPUT_ENTRIES, BASE_OUTPUT_ENTRIES + Math.floor(diskBytes / OUTPUT_ENTRY_BYTES));
}

/**
 * Writes what a guest hands over into a directory that is empty and nobody else's. The guest may be the job's: an entry lies in a
 * directory that it has sent before (so never behind a link), nothing is written twice, and bytes, entries, paths and remarks are limited.
 *
 * @throws ExecutorError GUEST_MISBEHAVED, SCRATCH_FAILED (this machine cannot write)
 */
export function receiveOutputs(directory: string, names: readonly string[], maxBytes: number): OutputReceiver {
  const made = new Set<string>();
  const outputs: RunResult['outputs'] = [];
  const notes: string[] = [];
  const maxEntries = mostEntries(maxBytes);
  let entries = 0;
  let pathBytes = 0;
  let total = 0;
  let file: { handle: FileHandle; left: number } | undefined;

  /** The place of an entry, which must not exist. */
  const place = (name: string, below: Buffer): Buffer => {
    if (below.length === 0) return Buffer.from(path.join(directory, name));
    const parts = split(below);
    if (below.length > LONGEST_OUTPUT_PATH_BYTES || parts.some((part) => part.length === 0 || part.length > MAX_NAME_BYTES || part.includes(0) || ['.', '..'].includes(part.toString('latin1')))) {
      throw misbehaved('an output\'s path that is none');
    }
    const parent = [Buffer.from(name), ...parts.slice(0, -1)].map((part) => part.toString('latin1')).join('/');
    if (!made.has(parent)) throw misbehaved('an output outside the directories sent');
    return Buffer.concat([Buffer.from(`${path.join(directory, name)}/`), below]);
  };

  return {
    async entry(payload) {
      const words = decodeStrings(payload);
      if (words.length !== 5) throw misbehaved('an output of too many or too few words');
      const [kind, name, sizeText] = [words[0], words[1], words[4]].map(String) as [string, string, string];
      const [below, word] = [words[2]!, words[3]!];
      if (file) throw misbehaved('an output before the last one was whole');
      if (++entries > maxEntries) throw misbehaved('too many outputs');
      if (!names.includes(name)) throw misbehaved('an output that nobody asked for');
      if (kind === 'none') {
        if (notes.length < MAX_OUTPUT_REMARKS) notes.push(`output ${name}${below.length > 0 ? `/${printable(below)}` : ''} ${printable(word)}`);
        return;
      }
      const at = place(name, below);
      const key = [name, ...(below.length === 0 ? [] : [below.toString('latin1')])].join('/');
      if (below.length === 0) outputs.push({ name, path: path.join(directory, name) });
      try {
        if (kind === 'dir') {
          if ((pathBytes += key.length) > MAX_OUTPUT_PATH_BYTES) throw misbehaved('too many long paths among the outputs');
          await mkdir(at, { mode: 0o755 });
          made.add(key);
        } else if (kind === 'link' && below.length > 0) {
          if (word.length === 0 || word.length > MAX_TARGET_BYTES || word.includes(0)) throw misbehaved('a link to what is no path');
          await symlink(word, at);
        } else if (kind === 'file') {
          const left = Number(sizeText);
          if (!Number.isSafeInteger(left) || left < 0 || (total += left) > maxBytes) throw misbehaved('outputs larger than the disk');
          const handle = await open(at, 'wx', Number(word.toString()) & 0o111 ? 0o755 : 0o644);
          if (left === 0) await handle.close();
          else file = { handle, left };
        } else throw misbehaved('an output of no known kind');
      } catch (error) {
        if (error instanceof ExecutorError) throw error;
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EEXIST') throw misbehaved('an output sent twice');
        if (code === 'ENAMETOOLONG') throw misbehaved('an output\'s path that is too long');
        throw unwritable(error);
      }
    },
    async data(payload) {
      if (!file || payload.length === 0 || payload.length > file.left) throw misbehaved('data of no output');
      await file.handle.write(payload).catch((error: unknown) => { throw unwritable(error); });
      file.left -= payload.length;
      if (file.left > 0) return;
      await file.handle.close();
      file = undefined;
    },
    end() {
      if (file) throw misbehaved('an output that is cut off');
      return { outputs, notes };
    },
    async close() {
      await file?.handle.close();
    },
  };
}

function unwritable(cause: unknown): ExecutorError {
  return new ExecutorError('SCRATCH_FAILED', 'the outputs cannot be written', { cause });
}

function split(below: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  for (let at = below.indexOf(SLASH); at >= 0; at = below.indexOf(SLASH, start)) {
    parts.push(below.subarray(start, at));
    start = at + 1;
  }
  return [...parts, below.subarray(start)];
}

/** A stranger's words, fit for a terminal. */
function printable(bytes: Buffer): string {
  return bytes.toString().slice(0, 200).replaceAll(/[^\x20-\x7e]/g, '?');
}
