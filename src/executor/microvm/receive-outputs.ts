import { open, mkdir, symlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { RunResult } from '../engine.ts';
import { MAX_OUTPUT_ENTRIES } from './constants.ts';
import { decodeStrings, misbehaved } from './wire.ts';

export interface OutputReceiver {
  entry(payload: Buffer): Promise<void>;
  data(payload: Buffer): Promise<void>;
  /** @throws ExecutorError GUEST_MISBEHAVED when the last file is not whole */
  end(): { outputs: RunResult['outputs']; notes: string[] };
  /** Closes a file that will not be whole. */
  close(): Promise<void>;
}

const MAX_PATH_BYTES = 4096;
const MAX_NAME_BYTES = 255;
const SLASH = '/'.charCodeAt(0);

/**
 * Writes what a guest hands over into a directory that is empty and nobody else's. The guest may be the job's: an entry lies in a
 * directory that it has sent before (so never behind a link), nothing is written twice, and the bytes and entries are limited.
 */
export function receiveOutputs(directory: string, names: readonly string[], maxBytes: number): OutputReceiver {
  const made = new Set<string>();
  const outputs: RunResult['outputs'] = [];
  const notes: string[] = [];
  let entries = 0;
  let total = 0;
  let file: { handle: FileHandle; left: number } | undefined;

  /** The place of an entry, which must not exist. */
  const place = (name: string, below: Buffer): Buffer => {
    if (below.length === 0) return Buffer.from(path.join(directory, name));
    const parts = split(below);
    if (below.length > MAX_PATH_BYTES || parts.some((part) => part.length === 0 || part.length > MAX_NAME_BYTES || part.includes(0) || ['.', '..'].includes(part.toString('latin1')))) {
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
      if (++entries > MAX_OUTPUT_ENTRIES) throw misbehaved('too many outputs');
      if (!names.includes(name)) throw misbehaved('an output that nobody asked for');
      if (kind === 'none') {
        notes.push(`output ${name}${below.length > 0 ? `/${printable(below)}` : ''} ${printable(word)}`);
        return;
      }
      const at = place(name, below);
      const key = [name, ...(below.length === 0 ? [] : [below.toString('latin1')])].join('/');
      if (below.length === 0) outputs.push({ name, path: path.join(directory, name) });
      try {
        if (kind === 'dir') {
          await mkdir(at, { mode: 0o755 });
          made.add(key);
        } else if (kind === 'link' && below.length > 0) await symlink(word, at);
        else if (kind === 'file') {
          const left = Number(sizeText);
          if (!Number.isSafeInteger(left) || left < 0 || (total += left) > maxBytes) throw misbehaved('outputs larger than the disk');
          const handle = await open(at, 'wx', Number(word.toString()) & 0o111 ? 0o755 : 0o644);
          if (left === 0) await handle.close();
          else file = { handle, left };
        } else throw misbehaved('an output of no known kind');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw misbehaved('an output sent twice');
        throw error;
      }
    },
    async data(payload) {
      if (!file || payload.length > file.left) throw misbehaved('data of no output');
      await file.handle.write(payload);
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
