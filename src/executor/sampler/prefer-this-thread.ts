import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';

/**
 * Lets the calling thread run before everything of the usual scheduling class, where the system allows it (root, and util-linux's chrt).
 *
 * A sampler needs a hundredth of a core, but in time: niceness does not help, for a job's control group competes with the node's as a whole.
 * The kernel bounds real-time threads (sched(7)), and threads that this one starts do not inherit it.
 *
 * @returns whether it does
 */
export function preferThisThread(): boolean {
  try {
    const thread = readlinkSync('/proc/thread-self').split('/').at(-1)!;
    execFileSync('chrt', ['--reset-on-fork', '--fifo', '--pid', '1', thread], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
