import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sibling } from '../protocol/sibling.ts';
import { ownerOf, runsDirectory } from './container/run-directory.ts';
import { SLOWNESS } from './constants.ts';
import { systemPath } from './tool.ts';

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

const keepers = new Map<string, ChildProcess>();

/**
 * Sees to it that the runs of this process end with it, even if it is killed: a runtime's container would go on without it. One for each state
 * directory; called again it makes sure that there still is one. What a crash of the whole machine leaves is swept at the next start.
 */
export function keepRuns(engine: KeptEngine, stateDir: string, place = ''): void {
  const directory = path.resolve(stateDir);
  if (keepers.has(directory)) return;
  const sweep = fileURLToPath(sibling('sweep-main', import.meta.url));
  const keeper = spawn('/bin/sh', ['-c', KEEPER, 'gadus-keeper'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
    // A terminal's Ctrl-C is not for the keeper.
    detached: true,
    env: {
      PATH: systemPath(), GADUS_NODE: process.execPath, GADUS_SWEEP: sweep, GADUS_RUNS: runsDirectory(directory), GADUS_OWNER: ownerOf(process.pid),
      // What is waited for a slow machine's own work, its sweep waits for as well.
      GADUS_SLOWNESS: String(SLOWNESS), GADUS_ENGINE: engine, GADUS_STATE: directory, GADUS_PLACE: place,
      ...(process.env['NODE_COMPILE_CACHE'] === undefined ? {} : { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }),
    },
  });
  keepers.set(directory, keeper);
  const forget = () => { if (keepers.get(directory) === keeper) keepers.delete(directory); };
  keeper.once('error', forget).once('exit', forget);
  // A process that has nothing else to do may end.
  keeper.unref();
  keeper.stdin?.on('error', () => {});
  (keeper.stdin as Socket | null)?.unref();
}
