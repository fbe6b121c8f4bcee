import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { SuiteContext } from './suite-context.ts';

/** Limits of a job, each enforced. */
export function limitsSuite({ it, run, sh }: SuiteContext): void {
  describe('limits', () => {
    it('ends a job at its time limit', async () => {
      const result = await sh('sleep 1000', { resources: { timeoutMs: 300 } });
      assert.deepEqual([result.exitCode, result.ended], [143, 'timeout']);
    });
    it('kills a job that will not end, children and all', async () => {
      // Until it has come as far as to ignore SIGTERM, SIGTERM ends it.
      const stubborn = async (timeoutMs: number): ReturnType<typeof sh> => {
        const result = await sh('trap "" TERM; echo ready; while :; do sleep 1000 & wait; done', { resources: { timeoutMs } });
        return result.stdout === '' ? stubborn(2 * timeoutMs) : result;
      };
      const result = await stubborn(2000);
      assert.deepEqual([result.exitCode, result.ended], [137, 'timeout']);
    });
    it('kills a job that takes more memory than it may', async () => {
      const result = await sh('head -c 200m /dev/zero | tail', { resources: { memoryBytes: '48MiB' } });
      assert.deepEqual([result.exitCode, result.ended], [137, 'memory']);
    });
    it('counts /tmp and /dev/shm as memory', async () => {
      const result = await sh('head -c 100m /dev/zero > /tmp/a; head -c 100m /dev/zero > /dev/shm/a', { resources: { memoryBytes: '64MiB' } });
      assert.notEqual(result.exitCode, 0);
    });
    it('starts with very little of everything', async () => {
      const result = await run({ command: ['echo', 'small'], resources: { memoryBytes: '4MiB', diskBytes: '1MiB', cpus: 0.05, processes: 1 } });
      assert.deepEqual([result.exitCode, result.stdout], [0, 'small\n']);
    });
    it('bounds a fork bomb', async () => {
      // The first shell forks once: where the bomb has taken all there is, another fork would end it.
      const result = await sh('bomb() { bomb | bomb & }; bomb & exec sleep 1000', { resources: { processes: 40, timeoutMs: 1500 } });
      assert.equal(result.ended, 'timeout');
      assert.ok(Math.max(...result.trace.channels.processes!) <= 40);
    });
    it('ends a job whose disk is full, and lets one use all it was promised', async () => {
      const fits = await sh('head -c 16m /dev/zero > /outputs/a', { resources: { diskBytes: '16MiB' } });
      assert.deepEqual([fits.exitCode, fits.ended, fits.stderr], [0, 'exit', '']);
      const result = await sh('dd if=/dev/zero of=/outputs/a bs=1M count=64', { resources: { diskBytes: '16MiB' } });
      assert.deepEqual([result.exitCode, result.ended], [1, 'disk']);
      assert.match(result.stderr, /No space left/);
    });
    it('does not blame the disk when the job came to terms with it', async () => {
      assert.equal((await sh('head -c 64m /dev/zero > /outputs/a; exit 0', { resources: { diskBytes: '4MiB' } })).ended, 'exit');
    });
    it('holds a job to its share of the CPU', async () => {
      const { trace } = await sh('end=$(($(date +%s) + 2)); while [ $(date +%s) -lt $end ]; do :; done', { resources: { cpus: 0.25 } });
      const share = trace.channels.cpuNs!.at(-1)! / 1e6 / trace.t.at(-1)!;
      // How little it gets is up to who else is there.
      assert.ok(share > 0 && share < 0.35, `share ${share}`);
    });
  });
}
