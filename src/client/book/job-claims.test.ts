import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Hex } from 'viem';
import { JobClaims } from './job-claims.ts';

const JOB: Hex = `0x${'ab'.repeat(32)}`;
const OTHER: Hex = `0x${'cd'.repeat(32)}`;
let dir: string;
before(async () => { dir = await mkdtemp(join(tmpdir(), 'gadus-claims-')); });
after(() => rm(dir, { recursive: true }));

test('one process has a job at a time, and whoever it gives it up to next', async () => {
  const [one, two] = [new JobClaims(dir), new JobClaims(dir)];
  assert.ok(await one.isFree(JOB));
  assert.deepEqual(await Promise.all([one.take(JOB), one.take(JOB)]), [true, true], 'it is its own already');
  assert.deepEqual([await two.take(JOB), await two.take(OTHER), await two.isFree(JOB), await one.isFree(JOB)], [false, true, false, false]);
  await one.release(JOB);
  assert.equal(await two.take(JOB), false, 'who took it twice gives it up twice');
  await one.release(JOB);
  assert.ok(await two.take(JOB));
  await two.releaseAll();
  assert.ok(await one.isFree(JOB) && await one.isFree(OTHER));
  const elsewhere = new JobClaims(join(dir, 'other'));
  assert.ok(await elsewhere.take(JOB) && await one.take(JOB), 'another folder is another client');
  await Promise.all([one, elsewhere].map((claims) => claims.releaseAll()));
});

test('a process that is killed gives its jobs up', async () => {
  const source = fileURLToPath(new URL('./job-claims.ts', import.meta.url));
  const script = `const { JobClaims } = await import(${JSON.stringify(source)}); await new JobClaims(${JSON.stringify(dir)}).take('${JOB}'); console.log('has it'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const claims = new JobClaims(dir);
  try {
    await once(child.stdout, 'data');
    assert.equal(await claims.take(JOB), false);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  assert.ok(await claims.take(JOB));
  await claims.releaseAll();
});
