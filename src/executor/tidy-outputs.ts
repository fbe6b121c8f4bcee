import type { Dirent } from 'node:fs';
import { lstat, readdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { LONGEST_OUTPUT_PATH_BYTES } from './constants.ts';
import type { RunResult } from './engine.ts';
import { removeTree } from './remove-tree.ts';

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
  for (const entry of entries.sort((a, b) => Buffer.compare(a.name, b.name))) {
    const at = Buffer.concat([directory, Buffer.from(path.sep), entry.name]);
    const why = !isText(entry.name) ? 'names' : below + entry.name.length > LONGEST_OUTPUT_PATH_BYTES ? 'paths' : entry.isFile() && !fits((await lstat(at)).size) ? 'sizes' : undefined;
    if (why !== undefined) {
      removed[why]++;
      await removeTree(at);
    } else if (entry.isDirectory()) await tidy(at, below + entry.name.length + 1, fits, removed);
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
