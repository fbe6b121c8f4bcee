import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { sibling } from '../../protocol/base/sibling.ts';
import { GLANCE_KNOWN_MS, GLANCE_MS, LOOKED_AT_WITHOUT_THREAD, MAX_TREES_REMEMBERED } from '../constants.ts';
import { isFolderForJobs } from './for-jobs.ts';
import { TreeSnapshot } from './tree-snapshot.ts';

interface Look { running: Promise<string | undefined>; next?: Promise<string | undefined> }

const looks = new Map<string, Look>();
/** What folders were that it took long to look at, the longest ago first. */
const seen = new Map<string, { digest: string | undefined; at: number }>();

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

/**
 * As `lookAtTree`, for whoever cannot wait as long as a million files take: that a large folder is what it is believed to be may have been so a minute ago. One
 * that is being looked at for the first time is said to be what it is believed to be; who asks after that is told.
 */
export async function glanceAtTree(root: string, believed: string): Promise<string | undefined> {
  const known = seen.get(root);
  if (known?.digest === believed && performance.now() - known.at < GLANCE_KNOWN_MS) return believed;
  const looking = looks.get(root)?.running ?? begin(root);
  const late = Promise.withResolvers<string | undefined>();
  const timer = setTimeout(() => late.resolve(known === undefined ? believed : known.digest), GLANCE_MS);
  try {
    return await Promise.race([looking.catch(() => undefined), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function begin(root: string): Promise<string | undefined> {
  const started = performance.now();
  const note = (digest: string | undefined) => {
    seen.delete(root);
    const at = performance.now();
    if (at - started > GLANCE_MS) seen.set(root, { digest, at });
    if (seen.size > MAX_TREES_REMEMBERED) seen.delete(seen.keys().next().value!);
    return digest;
  };
  const look: Look = { running: lookAt(root).then(note, (error: unknown) => { note(undefined); throw error; }) };
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
    for await (const { name } of await opendir(dir)) {
      if (++entries > LOOKED_AT_WITHOUT_THREAD) return lookElsewhere(root);
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
  const worker = new Worker(file, { workerData: root, execArgv: [], stdin: false, resourceLimits: { maxYoungGenerationSizeMb: 4 } });
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.once('exit', () => reject(new Error(`looking at ${root} ended early`)));
  try {
    return await promise;
  } finally {
    await worker.terminate();
  }
}
