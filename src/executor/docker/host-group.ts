import { readFileSync } from 'node:fs';
import { inUserNamespace } from '../rootless/user-namespace.ts';
import { cgroupFiles, cgroupLayout, type CgroupFiles } from '../cgroup/layout.ts';

/**
 * The control group of a container, where its processes are this machine's own and may be looked at: not on a Mac, where they are in a
 * virtual machine, and not by a user who is not root, who may not read other users' counters.
 */
export function hostGroup(containerId: string, pid: number): { files: CgroupFiles; version: string } | undefined {
  const layout = cgroupLayoutHere();
  if (process.getuid?.() !== 0 || inUserNamespace() || layout === undefined || pid <= 0) return undefined;
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  } catch {
    return undefined;
  }
  const line = text.split('\n').find((one) => (layout.version === 'v2' ? one.startsWith('0::') : /^\d+:([^:]*,)?memory(,[^:]*)?:/.test(one)));
  const group = line?.split(':').slice(2).join(':');
  if (group === undefined || !group.includes(containerId)) return undefined;
  return { files: cgroupFiles(layout, group.replace(/^\//, '')), version: layout.version };
}

function cgroupLayoutHere(): ReturnType<typeof cgroupLayout> {
  try {
    return cgroupLayout();
  } catch {
    return undefined;
  }
}
