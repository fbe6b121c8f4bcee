import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { RunResult } from '../engine.ts';

/** The files of a run that its evidence speaks of, with their paths in the result: the outputs' in path order, then stdout. Links are not followed. */
export async function resultFiles({ outputs, stdoutPath }: Pick<RunResult, 'outputs' | 'stdoutPath'>): Promise<{ path: string; source: string }[]> {
  const files = (await Promise.all(outputs.map(({ name, path }) => filesBelow(name, path)))).flat();
  return [...files, { path: 'stdout', source: stdoutPath }];
}

/** Regular files below a folder (or the file itself), in byte order of their paths. */
async function filesBelow(name: string, root: string): Promise<{ path: string; source: string }[]> {
  const entries = await readdir(root, { withFileTypes: true, recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (entries === undefined) return [{ path: name, source: root }];
  const sources = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
  return sources.map((source) => ({ path: `${name}/${relative(root, source)}`, source }));
}
