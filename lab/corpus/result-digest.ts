import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunResult } from '../../src/executor/index.ts';

/** The files a node profiles and publishes: the outputs' in path order, then stdout. Links are not followed. */
export async function resultFiles(run: Pick<RunResult, 'outputs' | 'stdoutPath'>): Promise<string[]> {
  const below = async (root: string) => {
    const entries = await readdir(root, { withFileTypes: true, recursive: true }).catch(() => []);
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
  };
  return [...(await Promise.all(run.outputs.map(({ path }) => below(path)))).flat(), run.stdoutPath];
}

/** SHA-256 over the result: each file's own digest in order, then the exit code. Equal results have equal digests, wherever they lie. */
export async function resultDigest(files: readonly string[], exitCode: number): Promise<`0x${string}`> {
  const whole = createHash('sha256');
  for (const file of files) {
    const one = createHash('sha256');
    for await (const chunk of createReadStream(file)) one.update(chunk as Uint8Array);
    whole.update(one.digest());
  }
  return `0x${whole.update(String(exitCode)).digest('hex')}`;
}
