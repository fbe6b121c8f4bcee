import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe } from 'node:test';
import { isError } from '../../../../src/protocol/index.ts';
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
    it('sweeps what a killed process left behind', async () => {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', crashProgram(['sleep', '1000'])], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [chunk] = await once(child.stdout, 'data');
      assert.match(String(chunk), /started/);
      await engine.sweep();
      assert.notDeepEqual(await leftovers(), [], 'a live process\'s run is left alone');
      child.kill('SIGKILL');
      await once(child, 'exit');
      await engine.sweep();
      assert.deepEqual(await leftovers(), []);
    });
  });
}
