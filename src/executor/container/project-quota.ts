import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { unescapeMount } from '../cgroup/layout.ts';
import { FIRST_PROJECT_ID, IDS_EACH } from '../constants.ts';
import { ExecutorError } from '../errors.ts';
import { runTool } from '../tool.ts';
import { isWithin } from './mount-plan.ts';
import { which } from './runtime.ts';

/** A project of a file system's quota, and where that file system is mounted. */
export interface Project { id: number; mountPoint: string }

/** File in a run's directory that says which project is its own: its limit is taken off with the run, whoever removes it. */
const CLAIM = 'project';
const TOOLS = ['chattr', 'setquota'];

/** Mount point of the file system of a directory, where that keeps project quotas (ext4 and xfs, mounted with `prjquota`) and there are the tools for it. */
export function projectQuotaOf(directory: string, mountinfo = readFileSync('/proc/self/mountinfo', 'utf8'), hasTool = (tool: string) => which(tool) !== undefined): string | undefined {
  let found: { mountPoint: string; quota: boolean } | undefined;
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    if (right === undefined) continue;
    const mountPoint = unescapeMount(left!.split(' ')[4]!);
    const [type = '', , options = ''] = right.split(' ');
    // Of several mounts over each other the last one counts.
    if (!isWithin(directory, mountPoint) || mountPoint.length < (found?.mountPoint.length ?? 0)) continue;
    found = { mountPoint, quota: ['ext4', 'xfs'].includes(type) && options.split(',').some((option) => option === 'prjquota' || option === 'pquota') };
  }
  return found?.quota === true && TOOLS.every(hasTool) ? found.mountPoint : undefined;
}

/** Notes which project a run's disk is. @throws ExecutorError SCRATCH_FAILED where the file system keeps no quota any more */
export function claimProject(runPath: string): Project {
  const mountPoint = projectQuotaOf(runPath);
  if (mountPoint === undefined) throw new ExecutorError('SCRATCH_FAILED', 'the file system keeps no project quota', { details: runPath });
  const project = { id: FIRST_PROJECT_ID + (createHash('sha256').update(runPath).digest().readUInt32BE() % IDS_EACH), mountPoint };
  writeFileSync(path.join(runPath, CLAIM), JSON.stringify(project), { mode: 0o600 });
  return project;
}

/** Takes the limit of a run's project off again; does nothing for a run that had none. */
export async function forgetProject(runPath: string): Promise<void> {
  let claim: string;
  try {
    claim = readFileSync(path.join(runPath, CLAIM), 'utf8');
  } catch {
    return;
  }
  const { id, mountPoint } = JSON.parse(claim) as Project;
  await runTool('setquota', ['-P', String(id), '0', '0', '0', '0', mountPoint], { accept: [1] });
}
