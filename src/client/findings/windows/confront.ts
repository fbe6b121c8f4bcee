import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { checkResult, disagreement } from '../../../evidence/index.ts';
import { anySignal, isError, messageOf, parseCid } from '../../../protocol/index.ts';
import type { Storage } from '../../../storage/index.ts';
import { MAX_CHECKED_RESULT_BYTES, RESULT_FETCH_TIMEOUT_MS } from '../../constants.ts';
import { ClientError } from '../../errors.ts';
import type { Exhibit } from '../exhibit.ts';

type Sound = Extract<Exhibit, { evidence: unknown }>;
type Files = Map<string, { source: string; bytes: number }>;

/**
 * Holds the opened windows of replicas against their results: each different result is fetched once, if it is not too large; what cannot be
 * had is replaced by the others that have the identical result. A replica whose windows are contradicted becomes one with a problem.
 *
 * @param addrs where the nodes listen
 * @throws ClientError NO_SCRATCH when there is no place for a result; the signal's reason
 */
export async function confront(storage: Pick<Storage, 'connect' | 'export'>, addrs: readonly (readonly string[])[], exhibits: readonly Exhibit[], signal: AbortSignal): Promise<Exhibit[]> {
  const groups = Map.groupBy(exhibits.filter((exhibit): exhibit is Sound => 'evidence' in exhibit && exhibit.windows !== undefined), ({ evidence }) => evidence.resultCid);
  const found = new Map<number, Exhibit>();
  const isChecked = (group: readonly Sound[]): boolean => {
    const bytes = Math.max(...group.map(({ evidence }) => evidence.profile.bytes));
    // An empty output has nothing that could contradict.
    return bytes > 0 && bytes <= MAX_CHECKED_RESULT_BYTES;
  };
  if ([...groups.values()].some(isChecked)) await Promise.all(addrs.map((one) => storage.connect(one, { signal }).catch(() => {})));
  await Promise.all([...groups].map(async ([cid, group]) => {
    const checked = isChecked(group) && await withResult(storage, cid, signal, async (files) => {
        for (const exhibit of group) found.set(exhibit.seat, await against(exhibit, files, signal));
      });
    if (!checked) for (const exhibit of group) found.set(exhibit.seat, outvoted(exhibit, group));
  }));
  signal.throwIfAborted();
  return exhibits.map((exhibit) => found.get(exhibit.seat) ?? exhibit);
}

async function against(exhibit: Sound, files: Files, signal: AbortSignal): Promise<Exhibit> {
  try {
    await checkResult(exhibit.windows!.leaves, files, { signal });
    return { ...exhibit, windows: { ...exhibit.windows!, heldAgainstResult: true } };
  } catch (error) {
    if (!isError(error, 'WINDOW_FALSE')) throw error;
    return { seat: exhibit.seat, problem: messageOf(error) };
  }
}

/** Of replicas with the identical result, one that most others contradict; of two, nobody knows which. */
function outvoted(exhibit: Sound, group: readonly Sound[]): Exhibit {
  const others = group.filter((other) => other !== exhibit);
  const against = others.flatMap((other) => disagreement(other.windows!.leaves, exhibit.windows!.leaves) ?? []);
  return others.length > 1 && 2 * against.length > others.length ? { seat: exhibit.seat, problem: `the windows contradict the others': ${against[0]}` } : exhibit;
}

/** Fetches a result for a moment. @returns whether it could be had in time */
async function withResult(storage: Pick<Storage, 'export'>, cid: string, signal: AbortSignal, use: (files: Files) => Promise<void>): Promise<boolean> {
  const dir = await scratch();
  try {
    const root = join(dir, 'result');
    const tooMuch = new AbortController();
    const limits = anySignal(signal, AbortSignal.timeout(RESULT_FETCH_TIMEOUT_MS), tooMuch.signal);
    // The size is the node's word; stderr and the tree itself come on top.
    const onProgress = ({ bytes }: { bytes: number }) => { if (bytes > 2 * MAX_CHECKED_RESULT_BYTES) tooMuch.abort(new Error('the result is larger than its profile says')); };
    try {
      await storage.export(parseCid(cid), root, { signal: limits, onProgress });
    } catch {
      return false;
    }
    await use(await filesOf(root));
    return true;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** A folder for a moment. Without one no result can be looked at, and waiting makes none: whoever waits is told. @throws ClientError NO_SCRATCH */
async function scratch(): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), 'gadus-result-'));
  } catch (cause) {
    throw new ClientError('NO_SCRATCH', 'there is no place for temporary files, and results are not looked at without one', {
      details: messageOf(cause), cause, hint: 'have TMPDIR name a folder that exists and can be written to, and run gadus job wait: the job goes on',
    });
  }
}

/** Regular files below a folder, by their path from it. */
async function filesOf(root: string): Promise<Files> {
  const entries = await readdir(root, { withFileTypes: true, recursive: true });
  return new Map(await Promise.all(entries.filter((entry) => entry.isFile()).map(async (entry) => {
    const source = join(entry.parentPath, entry.name);
    return [relative(root, source), { source, bytes: (await stat(source)).size }] as const;
  })));
}
