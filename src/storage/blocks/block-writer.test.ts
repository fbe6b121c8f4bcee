import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { tempDir } from '../storage.test-util.ts';
import { BlockWriter } from './block-writer.ts';

const MEMORY = 10_000;

test('files of any size up to the memory, many at once, come out as they went in, and nothing else is left', async (t) => {
  const dir = await tempDir(t);
  await mkdir(join(dir, 'tmp'));
  const writer = new BlockWriter(join(dir, 'tmp'), { memoryBytes: MEMORY });
  t.after(() => writer.stop());
  let round = 0;
  await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 0, max: MEMORY }), { maxLength: 30 }), async (sizes) => {
    const folder = join(dir, String(round++));
    const files = sizes.map((size, i) => ({ path: join(folder, String(i % 3), String(i)), bytes: randomBytes(size) }));
    await Promise.all(files.map(({ path, bytes }) => writer.write(path, bytes)));
    for (const { path, bytes } of files) assert.equal(Buffer.compare(await readFile(path), bytes), 0);
  }), { numRuns: 40, seed: 11 });
  assert.deepEqual(await readdir(join(dir, 'tmp')), []);
});

test('what is there stays; what fails says so, and the rest is written', async (t) => {
  const dir = await tempDir(t);
  await mkdir(join(dir, 'tmp'));
  const writer = new BlockWriter(join(dir, 'tmp'), { memoryBytes: MEMORY });
  await writeFile(join(dir, 'there'), 'old');
  const outcomes = await Promise.allSettled([
    writer.write(join(dir, 'there'), Buffer.from('new')), writer.write(join(dir, 'there', 'below a file'), Buffer.from('x')),
    writer.write(join(dir, 'fine'), Buffer.from('fine')), writer.write(join(dir, 'x'.repeat(300)), Buffer.from('x')),
  ]);
  assert.deepEqual(outcomes.map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as NodeJS.ErrnoException).code : 'written')), ['written', 'ENOTDIR', 'written', 'ENAMETOOLONG']);
  assert.deepEqual([await readFile(join(dir, 'there'), 'utf8'), await readFile(join(dir, 'fine'), 'utf8')], ['old', 'fine']);
  assert.deepEqual(await readdir(join(dir, 'tmp')), []);
  const last = writer.write(join(dir, 'last'), randomBytes(MEMORY));
  await writer.stop();
  await last;
  assert.equal((await readFile(join(dir, 'last'))).length, MEMORY);
});
