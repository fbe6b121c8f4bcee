import { lstatSync, opendirSync, rmdirSync, unlinkSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

/** Entry by entry, so that the thread can be ended in the middle, and without a list of them. */
function remove(path: string): void {
  for (;;) {
    const folder = opendirSync(path, { bufferSize: 256 });
    try {
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
        const below = `${path}/${entry.name}`;
        if (entry.isDirectory()) remove(below);
        else unlinkSync(below);
      }
    } finally {
      folder.closeSync();
    }
    try {
      return rmdirSync(path);
    } catch (error) {
      // A listing may pass over entries while others are removed.
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    }
  }
}

const root = workerData as string;
if (lstatSync(root).isDirectory()) remove(root);
else unlinkSync(root);
