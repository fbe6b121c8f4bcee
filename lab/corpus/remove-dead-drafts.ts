import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Name of a file while this process writes it. */
export function draftOf(path: string): string {
  return `${path}.${process.pid}.draft`;
}

/** Removes what processes that no longer live were writing into a directory. */
export async function removeDeadDrafts(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const pid = /\.(\d+)\.draft$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await rm(join(directory, name), { force: true });
  }
}
