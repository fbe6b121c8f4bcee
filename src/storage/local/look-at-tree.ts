import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { sibling } from '../../protocol/sibling.ts';
import { LOOKED_AT_WITHOUT_THREAD } from '../constants.ts';
import { isFolderForJobs } from './for-jobs.ts';
import { TreeSnapshot } from './tree-snapshot.ts';

interface Look { running: Promise<string | undefined>; next?: Promise<string | undefined> }

const looks = new Map<string, Look>();

/**
 * What a folder is now, as a digest (see `TreeSnapshot`); undefined where something in it is neither file nor folder, or not readable by everybody.
 * A large one is looked at by a thread of its own; those who ask while it is being looked at share the look after that.
 *
 * @throws what the file system says
 */
export function lookAtTree(root: string): Promise<string | undefined> {
  const current = looks.get(root);
  if (current !== undefined) return current.next ??= current.running.catch(() => {}).then(() => begin(root));
  return begin(root);
}

function begin(root: string): Promise<string | undefined> {
  const look: Look = { running: lookAt(root) };
  looks.set(root, look);
  const end = () => { if (looks.get(root) === look) looks.delete(root); };
  look.running.then(end, end);
  return look.running;
}

async function lookAt(root: string): Promise<string | undefined> {
  const snapshot = new TreeSnapshot();
  let entries = 0;
  const waiting = [''];
  for (let below = waiting.pop(); below !== undefined; below = waiting.pop()) {
    const dir = join(root, below);
    if (!isFolderForJobs(await lstat(dir, { bigint: true }))) return undefined;
    const names = await readdir(dir);
    entries += names.length;
    if (entries > LOOKED_AT_WITHOUT_THREAD) return lookElsewhere(root);
    for (const name of names) {
      const path = join(below, name);
      const found = snapshot.take(path, await lstat(join(root, path), { bigint: true }));
      if (found === 'none') return undefined;
      if (found === 'folder') waiting.push(path);
    }
  }
  return snapshot.digest();
}

async function lookElsewhere(root: string): Promise<string | undefined> {
  const file = sibling('look-at-tree-worker', import.meta.url);
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const worker = new Worker(file, { workerData: root, execArgv: [], stdin: false });
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.once('exit', () => reject(new Error(`looking at ${root} ended early`)));
  try {
    return await promise;
  } finally {
    await worker.terminate();
  }
}
