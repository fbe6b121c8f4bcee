import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startNeighbours } from './neighbours.ts';

const directory = await mkdtemp(join(tmpdir(), 'gadus-neighbours-'));
after(() => rm(directory, { recursive: true, force: true }));

/** Shells whose command line names the directory. */
async function running(): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.startsWith('/bin/sh\0') && line.includes(directory)).length;
}
const until = async (condition: () => Promise<boolean>) => { while (!(await condition())) await delay(20); };

test('as many as asked for run until they are stopped, and leave nothing', { timeout: 300_000 }, async () => {
  const neighbours = startNeighbours(3, directory);
  await until(async () => (await running()) === 3 && (await readdir(directory)).length === 1);
  await neighbours.stop();
  assert.equal(await running(), 0);
  assert.deepEqual(await readdir(directory), []);
  await neighbours.stop();
});

test('none outlasts a killed recorder', { timeout: 300_000 }, async () => {
  const program = `
    import { startNeighbours } from ${JSON.stringify(new URL('neighbours.ts', import.meta.url).href)};
    startNeighbours(2, ${JSON.stringify(directory)});
    setInterval(() => undefined, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'inherit' });
  await until(async () => (await running()) === 2);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await until(async () => (await running()) === 0);
});
