import { readFileSync } from 'node:fs';

/** Ids that this process's user namespace has, one after the other from 0 on (user_namespaces(7)). */
const ALL_IDS = 2 ** 32 - 1;

/** Whether root here is somebody else outside. */
export function inUserNamespace(): boolean {
  return mappedIds() < ALL_IDS;
}

/** How many ids from 0 on are somebody, as users and as groups: all of them, unless this is a user namespace. */
export function mappedIds(readText: (file: string) => string = (file) => readFileSync(file, 'utf8')): number {
  try {
    return Math.min(...['uid_map', 'gid_map'].map((name) => contiguous(readText(`/proc/self/${name}`))));
  } catch {
    return ALL_IDS;
  }
}

/** Who this process's root is outside. */
export function outsideUser(readText: (file: string) => string = (file) => readFileSync(file, 'utf8')): number {
  return ranges(readText('/proc/self/uid_map'))[0]?.outside ?? 0;
}

function contiguous(map: string): number {
  let end = 0;
  for (const { inside, count } of ranges(map)) if (inside === end) end += count;
  return end;
}

function ranges(map: string): { inside: number; outside: number; count: number }[] {
  return map.trim().split('\n').map((line) => line.trim().split(/\s+/).map(Number)).map(([inside = 0, outside = 0, count = 0]) => ({ inside, outside, count }))
    .sort((a, b) => a.inside - b.inside);
}
