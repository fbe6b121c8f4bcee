import { lstatSync, opendirSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { isFolderForJobs } from './for-jobs.ts';
import { TreeSnapshot } from './tree-snapshot.ts';

/** As in `lookAtTree`, by calls that wait: a call from a main thread takes ten times as long as what it does. */
function look(root: string): string | undefined {
  const snapshot = new TreeSnapshot();
  const waiting = [''];
  for (let below = waiting.pop(); below !== undefined; below = waiting.pop()) {
    const dir = join(root, below);
    if (!isFolderForJobs(lstatSync(dir, { bigint: true }))) return undefined;
    // As they come: of a million names a list would take a hundred megabytes.
    const folder = opendirSync(dir, { bufferSize: 256 });
    try {
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
        const path = join(below, entry.name);
        const found = snapshot.take(path, lstatSync(join(root, path), { bigint: true }));
        if (found === 'none') return undefined;
        if (found === 'folder') waiting.push(path);
      }
    } finally {
      folder.closeSync();
    }
  }
  return snapshot.digest();
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort!.postMessage(look(workerData as string));
