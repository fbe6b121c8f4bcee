import { readFile, readdir } from 'node:fs/promises';
import { killQuietly } from '../cgroup/group.ts';
import { cgroupLayout } from '../cgroup/layout.ts';
import { layoutOf } from '../container/run-base.ts';
import { runIsOwned, runPaths, runsDirectory } from '../container/run-directory.ts';
import { jailId, removeJailGroups } from './firecracker/jail.ts';

/**
 * Kills the monitors of runs whose owner is dead: QEMU bears the run's name on its command line, Firecracker its jail's. What they
 * leave in the file system goes with the runs' directories.
 */
export async function sweepMonitors(stateDir: string): Promise<void> {
  const runs = (await readdir(runsDirectory(stateDir)).catch(() => [])).filter((name) => !runIsOwned(stateDir, name)).map((name) => runPaths(stateDir, name));
  if (runs.length === 0) return;
  const marks = new Set(runs.flatMap(({ name }) => [name, jailId(name), `--id=${jailId(name)}`]));
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (Number(pid) !== process.pid && words.some((word) => marks.has(word))) killQuietly(Number(pid), 'SIGKILL');
  }
  const layout = cgroupLayout();
  for (const run of runs) await removeJailGroups(layout && layoutOf(run, layout), jailId(run.name));
}
