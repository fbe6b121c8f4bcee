import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Lack } from '../rootless/delegate.ts';
import { NEEDED_CONTROLLERS } from './delegated.ts';
import { divideGroup } from './divide-group.ts';
import type { CgroupLayout } from './layout.ts';
import { ownGroup } from './own-group.ts';

/**
 * Sees to it that root can make jobs' groups below the root of its v2 tree. In a container that is a group like any other, with processes in it, and
 * cannot hand on controllers before they are in one below: they are moved there, which are the container's all.
 *
 * @returns why that cannot be, or undefined
 */
export function claimTree({ version, unified }: CgroupLayout): Lack | undefined {
  if (version !== 'v2') return undefined;
  try {
    accessSync(unified!, constants.W_OK);
    const there = readFileSync(path.join(unified!, 'cgroup.controllers'), 'utf8').trim().split(/\s+/);
    const missing = NEEDED_CONTROLLERS.filter((name) => !there.includes(name));
    if (missing.length > 0) return { what: `the control groups at ${unified} have no ${missing.join(', ')}`, remedy: 'of a container its host hands them on; else boot a kernel with them, and without cgroup_disable' };
    // The real root has no type.
    if (ownGroup() === '/' && existsSync(path.join(unified!, 'cgroup.type'))) divideGroup(unified!);
    return undefined;
  } catch (error) {
    return { what: `no control groups can be made at ${unified}: ${(error as Error).message}`, remedy: 'docker run --privileged, or run gadus on the machine itself' };
  }
}
