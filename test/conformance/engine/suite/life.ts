import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe } from 'node:test';
import { isError } from '../../../../src/protocol/index.ts';
import { until } from '../../../until.ts';
import type { SuiteContext } from './suite-context.ts';

/** Runs beside and after each other, aborted, crashed. */
export function lifeSuite({ engine, leftovers, crashProgram, it, run, sh }: SuiteContext): void {
  describe('life', () => {
    it('ends at once and cleans up when aborted', async () => {
      for (const script of ['sleep 1000', 'trap "" TERM INT; while :; do :; done']) {
        const controller = new AbortController();
        await assert.rejects(sh(script, {}, { signal: controller.signal, onStart: () => controller.abort() }), (error) => isError(error, 'ABORTED'));
        assert.deepEqual(await leftovers(), []);
      }
    });
    it('ends when aborted at any moment of its start', async () => {
      await assert.rejects(sh('true', {}, { signal: AbortSignal.abort() }), (error) => isError(error, 'ABORTED'));
      for (const ms of [1, 10, 30, 60]) {
        await assert.rejects(sh('sleep 1000', {}, { signal: AbortSignal.timeout(ms) }), (error) => isError(error, 'ABORTED'));
        assert.deepEqual(await leftovers(), []);
      }
    });
    it('runs several at a time', async () => {
      const results = await Promise.all(Array.from({ length: 6 }, (_, i) => sh(`echo ${i} > /outputs/n; sleep 0.2; cat /outputs/n`)));
      assert.deepEqual(results.map((result) => result.stdout), results.map((_, i) => `${i}\n`));
    });
    it('refuses a second run of the same id, and a malformed one', async () => {
      const first = await run({ command: ['true'] }, { id: 'same' });
      await assert.rejects(run({ command: ['true'] }, { id: 'same' }), (error) => isError(error, 'REQUEST_INVALID'));
      await first.release();
      for (const id of ['', 'A', '../x', 'x'.repeat(61)]) {
        await assert.rejects(run({ command: ['true'] }, { id }), (error) => isError(error, 'REQUEST_INVALID'));
      }
    });
    it('refuses a sampling interval that is none', async () => {
      for (const sampleIntervalMs of [0, -1, Number.NaN]) {
        await assert.rejects(run({ command: ['true'] }, { sampleIntervalMs }), (error) => isError(error, 'REQUEST_INVALID'));
      }
    });
    it('keeps files until they are released, and bears being released twice', async () => {
      const result = await sh('echo x > /outputs/x');
      await engine.sweep();
      assert.equal(await readFile(path.join(result.outputs[0]!.path, 'x'), 'utf8'), 'x\n');
      await result.release();
      await result.release();
      await assert.rejects(readFile(result.stdoutPath));
    });
    it('is swept at the next start when its process and its keeper were killed', async () => {
      const child = await started(crashProgram);
      await engine.sweep();
      assert.notDeepEqual(await leftovers(), [], 'a live process\'s run is left alone');
      process.kill(keeperOf(child.pid!), 'SIGKILL');
      child.kill('SIGKILL');
      await once(child, 'exit');
      await engine.sweep();
      assert.deepEqual(await leftovers(), []);
    });
    it('leaves nothing for long when its process is killed at any moment of its start', async () => {
      for (const laterMs of [0, 20, 60]) {
        const child = spawnRun(crashProgram);
        const gone = once(child, 'exit');
        // As soon as there is anything of it, and a little later.
        await until('the run begins', async () => (await leftovers()).length > 0);
        await delay(laterMs);
        child.kill('SIGKILL');
        await gone;
        await until('a sweep leaves nothing', async () => {
          await engine.sweep();
          return (await leftovers()).length === 0;
        });
      }
    });
    it('ends with its process, which is killed, by itself', async () => {
      const child = await started(crashProgram);
      child.kill('SIGKILL');
      await once(child, 'exit');
      await until('nothing is left', async () => (await leftovers()).length === 0);
    });
  });
}

/** A process that is going to begin a run of ten minutes. */
function spawnRun(crashProgram: SuiteContext['crashProgram']) {
  return spawn(process.execPath, ['--input-type=module', '--eval', crashProgram(['sleep', '600'])], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** A process that has begun one. */
async function started(crashProgram: SuiteContext['crashProgram']): Promise<ReturnType<typeof spawnRun>> {
  const child = spawnRun(crashProgram);
  const [chunk] = await once(child.stdout, 'data');
  assert.match(String(chunk), /started/);
  return child;
}

function keeperOf(parent: number): number {
  const keeper = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0gadus-keeper\0') && new RegExp(`\\) \\S ${parent} `).test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    } catch {
      return false;
    }
  });
  assert.ok(keeper !== undefined, 'the run has a keeper');
  return Number(keeper);
}
