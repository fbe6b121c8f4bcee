import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isError, parseJobSpec } from '../../protocol/index.ts';
import { createNoopEngine } from './noop-engine.ts';

const request = { id: 'a', spec: parseJobSpec({ command: ['true'] }), rootfs: '', inputs: [], sampleIntervalMs: 20 };

test('the noop engine runs nothing and says so', async () => {
  const engine = createNoopEngine();
  assert.equal((await engine.probe()).ok, true);
  let started = false;
  const result = await engine.run({ ...request, onStart: () => { started = true; } });
  assert.deepEqual([started, result.exitCode, result.ended, result.outputs], [true, 0, 'exit', []]);
  assert.deepEqual([...result.trace.t], [0, 20]);
  assert.equal(readFileSync(result.stdoutPath, 'utf8'), '');
  await result.release();
  await result.release();
  assert.ok(!existsSync(result.stdoutPath));
  await assert.rejects(engine.run({ ...request, signal: AbortSignal.abort() }), (error) => isError(error, 'ABORTED'));
});
