import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { describe } from 'node:test';
import type { SuiteContext } from './suite-context.ts';

/** What becomes of a job's words. */
export function logsSuite({ it, file, sh }: SuiteContext): void {
  describe('logs', () => {
    it('keeps both streams apart, and reports them live', async () => {
      const seen = { stdout: '', stderr: '' };
      const result = await sh('echo out; echo err >&2; echo again > /dev/stdout; echo bad > /dev/stderr', {}, {
        onLog: (stream, chunk) => { seen[stream] += Buffer.from(chunk).toString(); },
      });
      assert.deepEqual([result.stdout, result.stderr], ['out\nagain\n', 'err\nbad\n']);
      assert.deepEqual(seen, { stdout: result.stdout, stderr: result.stderr });
    });
    it('cuts a log at its limit, lets the job go on, and notes it', async () => {
      const result = await sh('yes | head -c 3000000; echo finished > /outputs/mark; exit 3', { resources: { logBytes: 100_000 } });
      assert.deepEqual([result.exitCode, result.ended, result.stdout.length], [3, 'exit', 100_000]);
      assert.deepEqual(result.notes, ['stdout was cut at 100000 bytes']);
      assert.deepEqual(await readdir(result.outputs[0]!.path), ['mark']);
    });
    it('carries binary output unchanged', async () => {
      const bytes = randomBytes(300_000);
      const result = await sh('cat /inputs/a', {}, { inputs: [{ path: await file('binary', bytes), target: '/inputs/a' }] });
      assert.ok(bytes.equals(await readFile(result.stdoutPath)));
    });
  });
}
