import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sibling } from '../../protocol/base/sibling.ts';
import { ownerOf, runsDirectory, stateTag } from '../container/run-directory.ts';
import { SLOWNESS } from '../constants.ts';
import { enterScope, scopeCommand } from './keeper-scope.ts';
import { systemPath } from '../tool.ts';

/** Engines whose runs a keeper can end. */
export type KeptEngine = 'container' | 'docker' | 'microvm';

/**
 * A shell that is held by a pipe: its standard input ends when this process does, in whatever way. Where runs of it are left then, they are swept away
 * by a process of their own. What it works on is in its environment, so that its command line names nothing of a run: the sweep looks for those.
 */
const KEEPER = `
read -r _
for run in "$GADUS_RUNS/$GADUS_OWNER"-*; do
  if [ -e "$run" ]; then exec "$GADUS_NODE" "$GADUS_SWEEP"; fi
done
`;

/** `base`: the control group below which runs belong, where that is not this process's own matter (`CgroupLayout.base`). */
export interface Kept { base?: string }

const keepers = new Map<string, Promise<Kept>>();
let serial = 0;

/**
 * Sees to it that the runs of this process end with it, even if it is killed: a runtime's container would go on without it. One for each state
 * directory; called again it makes sure that there still is one. What a crash of the whole machine leaves is swept at the next start.
 */
export function keepRuns(engine: KeptEngine, stateDir: string, place = ''): Promise<Kept> {
  const directory = path.resolve(stateDir);
  let kept = keepers.get(directory);
  if (kept === undefined) {
    const begun = start(`gadus-${stateTag(directory)}-${process.pid}-${serial++}.scope`, {
      PATH: systemPath(), GADUS_NODE: process.execPath, GADUS_SWEEP: fileURLToPath(sibling('sweep-main', import.meta.url)), GADUS_RUNS: runsDirectory(directory), GADUS_OWNER: ownerOf(process.pid),
      // What is waited for a slow machine's own work, its sweep waits for as well.
      GADUS_SLOWNESS: String(SLOWNESS), GADUS_ENGINE: engine, GADUS_STATE: directory, GADUS_PLACE: place,
      ...(process.env['NODE_COMPILE_CACHE'] === undefined ? {} : { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }),
    }, () => { if (keepers.get(directory) === begun) keepers.delete(directory); });
    keepers.set(directory, kept = begun);
  }
  return kept;
}

async function start(unit: string, env: Record<string, string>, onGone: () => void): Promise<Kept> {
  const scope = scopeCommand(unit);
  if (scope !== undefined) {
    const { child, gone } = spawnKeeper(scope, env);
    const entered = await enterScope(child.pid ?? 0, unit, gone);
    if (entered !== undefined) {
      if (gone.aborted) onGone();
      else gone.addEventListener('abort', onGone);
      return entered;
    }
    child.kill('SIGKILL');
  }
  spawnKeeper([], env).gone.addEventListener('abort', onGone);
  return {};
}

function spawnKeeper(words: readonly string[], env: Record<string, string>): { child: ChildProcess; gone: AbortSignal } {
  const gone = new AbortController();
  const [file = '/bin/sh', ...args] = [...words, '/bin/sh', '-c', KEEPER, 'gadus-keeper'];
  // Detached: a terminal's Ctrl-C is not for the keeper.
  const child = spawn(file, args, { stdio: ['pipe', 'ignore', 'ignore'], cwd: '/', detached: true, env });
  child.once('error', () => gone.abort()).once('exit', () => gone.abort());
  // A process that has nothing else to do may end.
  child.unref();
  child.stdin?.on('error', () => {});
  (child.stdin as Socket | null)?.unref();
  return { child, gone: gone.signal };
}
