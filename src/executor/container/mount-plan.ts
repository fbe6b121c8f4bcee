import { accessSync, constants, readdirSync, statSync, type Stats } from 'node:fs';
import path from 'node:path';
import { INIT_PATH } from '../constants.ts';
import type { RunRequest } from '../engine.ts';
import { ExecutorError } from '../errors.ts';
import { resolveInRoot, statIfThere } from './resolve-in-root.ts';

/** One host file or directory mounted read-only into the job. */
export interface InputMount { source: string; target: string; directory: boolean }

/** One directory of the scratch disk mounted writable into the job. */
export interface WritableMount {
  /** Name of its directory on the scratch disk. */
  slot: string;
  target: string;
  /** The image's directory at this place, when it has content that must stay visible below. */
  lower?: string;
}

/** Where a declared output is found after the run: a path below a slot of the scratch disk. */
export interface OutputPlace { name: string; slot: string; below: string }

/** Everything a job sees beside its image. Targets are free of links; parents come before children. */
export interface MountPlan { inputs: InputMount[]; writable: WritableMount[]; outputs: OutputPlace[]; workdir: string }

/** Targets of the mounts every container has. */
export const FIXED_TARGETS = ['/proc', '/dev', '/sys', '/tmp', path.posix.dirname(INIT_PATH)];

/**
 * Decides what is mounted where.
 *
 * Each output path is an empty directory at start, except one below the working directory: there the job makes what it
 * wants, a file or a directory. A working directory that the image has keeps the image's files. One that lies inside an input
 * stays read-only.
 *
 * @throws ExecutorError INPUT_UNREADABLE, JOB_UNFIT
 */
export function planMounts({ spec, rootfs, inputs }: Pick<RunRequest, 'spec' | 'rootfs' | 'inputs'>): MountPlan {
  const resolve = (target: string) => {
    const resolved = resolveInRoot(rootfs, target);
    if (resolved === '/' || FIXED_TARGETS.some((fixed) => fixed !== '/tmp' && (resolved === fixed || resolved.startsWith(`${fixed}/`)))) {
      throw new ExecutorError('JOB_UNFIT', 'nothing can be mounted there', { details: target });
    }
    return resolved;
  };
  const plan: MountPlan = { inputs: [], writable: [], outputs: [], workdir: resolve(spec.workdir) };
  for (const { path: source, target } of inputs) plan.inputs.push({ source, target: resolve(target), directory: readableStat(source).isDirectory() });
  plan.inputs.sort(byTarget);

  const wanted = spec.outputs.map(({ name, path: target }) => ({ name, target: resolve(target) }));
  const inInput = plan.inputs.some(({ target, directory }) => directory && isWithin(plan.workdir, target));
  const places = [...wanted.map(({ target }) => target), ...(inInput ? [] : [plan.workdir])].sort((a, b) => (a < b ? -1 : 1));
  for (const target of new Set(places)) {
    if (plan.writable.some((mount) => isWithin(target, mount.target))) continue;
    const lower = path.join(rootfs, target);
    const content = statIfThere(lower)?.isDirectory() === true && readdirSync(lower).length > 0;
    plan.writable.push({ slot: `slot-${plan.writable.length}`, target, ...(content ? { lower } : {}) });
  }
  for (const { name, target } of wanted) {
    const mount = plan.writable.find((candidate) => isWithin(target, candidate.target))!;
    plan.outputs.push({ name, slot: mount.slot, below: path.posix.relative(mount.target, target) });
  }
  return plan;
}

/** Whether `inner` is `outer` or lies below it. */
export function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer === '/' ? '/' : `${outer}/`);
}

function byTarget(a: { target: string }, b: { target: string }): number {
  return a.target < b.target ? -1 : 1;
}

function readableStat(source: string): Stats {
  let stat: Stats;
  try {
    accessSync(source, constants.R_OK);
    stat = statSync(source);
  } catch (cause) {
    throw new ExecutorError('INPUT_UNREADABLE', 'an input is not there', { details: source, cause });
  }
  const needed = stat.isDirectory() ? 0o5 : 0o4;
  if ((!stat.isDirectory() && !stat.isFile()) || (stat.mode & needed) !== needed) {
    throw new ExecutorError('INPUT_UNREADABLE', 'an input is not readable by the job, which runs as nobody', {
      details: source,
      hint: stat.isDirectory() || stat.isFile() ? `chmod ${stat.isDirectory() ? 'a+rx' : 'a+r'} ${JSON.stringify(source)}` : 'an input is a file or a directory',
    });
  }
  return stat;
}
