import { readFileSync } from 'node:fs';

/** Path of this process's group in the v2 tree (cgroups(7)); undefined where it has none. */
export function ownGroup(readText: (file: string) => string = (file) => readFileSync(file, 'utf8')): string | undefined {
  return /^0::(\/.*)$/m.exec(readText('/proc/self/cgroup'))?.[1];
}
