import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { claimPlace } from './claim-place.ts';
import { MAX_CLIENT_PROCESSES } from './constants.ts';

test('each claim is of a place of its own, and a place given up is had again', async () => {
  const home = await mkdtemp(join(tmpdir(), 'gadus-place-'));
  try {
    const first = await claimPlace(home);
    const second = await claimPlace(home);
    assert.deepEqual([first.dir, second.dir], [home, join(home, 'process-1')]);
    await first.release();
    const again = await claimPlace(home);
    assert.equal(again.dir, home);
    const rest = await Promise.all(Array.from({ length: MAX_CLIENT_PROCESSES - 2 }, () => claimPlace(home)));
    assert.equal(new Set(rest.map(({ dir }) => dir)).size, rest.length);
    await assert.rejects(claimPlace(home), { code: 'TOO_MANY_CLIENTS' });
    for (const place of [again, second, ...rest]) await place.release();
  } finally {
    await rm(home, { recursive: true });
  }
});

test('a process that dies gives its place up', async () => {
  const home = await mkdtemp(join(tmpdir(), 'gadus-place-'));
  try {
    const source = fileURLToPath(new URL('./claim-place.ts', import.meta.url));
    const script = `const { claimPlace } = await import(${JSON.stringify(source)}); const { dir } = await claimPlace(${JSON.stringify(home)}); console.log(dir); process.kill(process.pid, 'SIGKILL');`;
    const outcome = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]).catch((error: { stdout: string; signal: string }) => error);
    assert.equal(outcome.stdout.trim(), home);
    const place = await claimPlace(home);
    assert.equal(place.dir, home);
    await place.release();
  } finally {
    await rm(home, { recursive: true });
  }
});
