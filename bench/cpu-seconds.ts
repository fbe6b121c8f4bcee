import { readFileSync } from 'node:fs';

/** Clock ticks a second in which Linux tells CPU times to programs: the same on all machines. */
const TICKS_PER_SECOND = 100;

/** CPU time that processes have used so far, user and system, seconds. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    // The name before the last parenthesis may hold spaces; user and system time are fields 14 and 15.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }, 0);
}
