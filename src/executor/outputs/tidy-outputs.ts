import type { Dirent } from 'node:fs';
import { lstat, readdir, unlink } from 'node:fs/promises';
import { LONGEST_OUTPUT_PATH_BYTES } from '../constants.ts';
import type { RunResult } from '../engine.ts';
import { joinBytes } from '../join-bytes.ts';
import { removeTree } from './remove-tree.ts';

/** Files looked at together: one after another, a hundred thousand would take ten seconds. */
const AT_ONCE = 256;

/**
 * Removes from the outputs of a job that has ended what no result can hold, so that whoever reads them finds the same things and none that fails: names that are not UTF-8, paths
 * longer than LONGEST_OUTPUT_PATH_BYTES, and files that claim more than the job's disk, alone or together (a file with holes in it claims what it likes, and so do many names of
 * one file). What is taken depends on names and sizes alone, in the order of the names: it is the same on every node.
 *
 * @returns the outputs that are left, and notes on what is not
 */
export async function tidyOutputs(outputs: RunResult['outputs'], diskBytes: number): Promise<{ outputs: RunResult['outputs']; notes: string[] }> {
  const kept: RunResult['outputs'] = [];
  const notes: string[] = [];
  let room = diskBytes;
  for (const output of outputs) {
    const removed = { names: 0, paths: 0, sizes: 0 };
    const fits = (bytes: number) => {
      if (bytes > room) return false;
      room -= bytes;
      return true;
    };
    const stat = await lstat(output.path);
    if (stat.isDirectory()) await tidy(Buffer.from(output.path), 0, fits, removed);
    else if (stat.isFile() && !fits(stat.size)) {
      removed.sizes++;
      await unlink(output.path);
    }
    if (stat.isDirectory() || removed.sizes === 0) kept.push(output);
    for (const [why, count] of [['names are not UTF-8', removed.names], [`paths are longer than ${LONGEST_OUTPUT_PATH_BYTES} bytes`, removed.paths], ['files are larger than the disk', removed.sizes]] as const) {
      if (count > 0) notes.push(`output ${output.name}: ${count} not taken, whose ${why}`);
    }
  }
  return { outputs: kept, notes };
}

/** @param below bytes of the directory's path in the output, its separator included */
async function tidy(directory: Buffer, below: number, fits: (bytes: number) => boolean, removed: { names: number; paths: number; sizes: number }): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true, encoding: 'buffer' }) as unknown as Dirent<Buffer>[];
  entries.sort((a, b) => Buffer.compare(a.name, b.name));
  const place = ({ name }: Dirent<Buffer>) => joinBytes(directory, name);
  for (let from = 0; from < entries.length; from += AT_ONCE) {
    const some = entries.slice(from, from + AT_ONCE);
    const sizes = await Promise.all(some.map(async (entry) => (entry.isFile() ? (await lstat(place(entry))).size : 0)));
    for (const [i, entry] of some.entries()) {
      const { name } = entry;
      const why = !isText(name) ? 'names' : below + name.length > LONGEST_OUTPUT_PATH_BYTES ? 'paths' : fits(sizes[i]!) ? undefined : 'sizes';
      if (why !== undefined) {
        removed[why]++;
        await removeTree(place(entry));
      } else if (entry.isDirectory()) await tidy(place(entry), below + name.length + 1, fits, removed);
    }
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function isText(name: Uint8Array): boolean {
  try {
    decoder.decode(name);
    return true;
  } catch {
    return false;
  }
}
