import assert from 'node:assert/strict';
import { mkdtemp, writeFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openJournal } from './journal.ts';

const scratch = () => mkdtemp(join(tmpdir(), 'gadus-journal-'));

test('records survive reopening, bigints included', async () => {
  const dir = await scratch();
  const journal = await openJournal<{ n: bigint; list: number[] }>(dir);
  await journal.put('a', { n: 1n << 80n, list: [1, 2] });
  const again = await openJournal<{ n: bigint; list: number[] }>(dir);
  assert.deepEqual(await again.get('a'), { n: 1n << 80n, list: [1, 2] });
  await again.delete('a');
  assert.equal(await again.get('a'), undefined);
});

test('concurrent writes of one key end with the last one and leave no temporary file', async () => {
  const dir = await scratch();
  const journal = await openJournal<{ i: number }>(dir);
  await Promise.all(Array.from({ length: 20 }, (_, i) => journal.put('k', { i })));
  assert.deepEqual(await journal.get('k'), { i: 19 });
  assert.deepEqual(await readdir(dir), ['k.json']);
});

test('a damaged record is moved aside and the rest is read', async () => {
  const dir = await scratch();
  const damaged: string[] = [];
  const journal = await openJournal<{ ok: true }>(dir, (path) => damaged.push(path));
  await journal.put('good', { ok: true });
  await writeFile(join(dir, 'bad.json'), '{"half": ');
  assert.deepEqual(await journal.all(), [{ key: 'good', record: { ok: true } }]);
  assert.equal(damaged.length, 1);
  assert.ok((await readdir(dir)).includes('bad.json.damaged'));
});

test('keys cannot leave the folder', async () => {
  const journal = await openJournal<object>(await scratch());
  assert.throws(() => journal.get('../x'), TypeError);
});

test('writers that come at the very end of another\'s write neither fail nor mix with it', async () => {
  const dir = await scratch();
  const journal = await openJournal<{ i: number; text: string }>(dir);
  let last = 0;
  await Promise.all(Array.from({ length: 12 }, async (_, writer) => {
    for (let i = 0; i < 30; i++) {
      await journal.put('k', { i: ++last, text: 'x'.repeat((writer * 37 + i * 101) % 5000) }, { durable: i % 3 === 0 });
      for (let hops = (writer + i) % 7; hops > 0; hops--) await undefined;
    }
  }));
  assert.equal((await journal.get('k'))!.i, last);
  assert.deepEqual(await readdir(dir), ['k.json']);
});
