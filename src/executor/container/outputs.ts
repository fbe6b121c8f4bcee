import path from 'node:path';
import type { RunResult } from '../engine.ts';
import type { GrowingOutput } from '../outputs/output-notes.ts';
import { slotPaths } from './bundle.ts';
import type { MountPlan } from './mount-plan.ts';
import { statIfThere } from './resolve-in-root.ts';

/**
 * The declared outputs that a job left. A job can make its output, or a directory above it, a link to any place of the
 * host: such an output is not handed out.
 */
export function collectOutputs(plan: MountPlan, scratch: string): { outputs: RunResult['outputs']; notes: string[] } {
  const outputs: RunResult['outputs'] = [];
  const notes: string[] = [];
  for (const { name, slot, below } of plan.outputs) {
    let at = slotPaths(scratch, slot).data;
    let stat = statIfThere(at);
    for (const component of below.split('/').filter(Boolean)) {
      if (!stat?.isDirectory()) break;
      at = path.join(at, component);
      stat = statIfThere(at);
    }
    if (stat?.isSymbolicLink()) notes.push(`output ${name} is a link: not taken`);
    else if (!stat) notes.push(`output ${name} does not exist`);
    else if (!stat.isDirectory() && !stat.isFile()) notes.push(`output ${name} is neither a file nor a directory: not taken`);
    else if (at !== path.join(slotPaths(scratch, slot).data, below)) notes.push(`output ${name} does not exist`);
    else outputs.push({ name, path: at });
  }
  return { outputs, notes };
}

/** Where the declared outputs grow while the job runs. */
export function growingOutputs(plan: MountPlan, scratch: string): GrowingOutput[] {
  return plan.outputs.map(({ name, slot, below }) => ({ name, root: slotPaths(scratch, slot).data, below }));
}
