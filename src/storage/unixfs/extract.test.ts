import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { CID } from 'multiformats/cid';
import { extract } from './extract.ts';
import { LocalBlocks } from '../blocks/local-blocks.ts';
import { cidOf, DIRECTORY, node, randomBlock, tempDir } from '../storage.test-util.ts';

type Block = { cid: CID; bytes: Uint8Array };

async function extracting(t: TestContext, blocks: Block[], maxBytes = 1e9): Promise<{ run: () => Promise<unknown>; dir: string; out: string }> {
  const dir = await tempDir(t);
  const store = new LocalBlocks(join(dir, 'blocks'));
  await store.open();
  for (const { cid, bytes } of blocks) await store.put(cid, bytes);
  const out = join(dir, 'out');
  return { run: () => extract(store, blocks[0]!.cid, out, { maxBytes, fileMode: 0o444 }), dir, out };
}

test('hostile names are refused, and nothing is written outside', async (t) => {
  const leaf = randomBlock();
  for (const name of ['', '.', '..', '../x', 'a/b', '/etc/passwd', 'a\0b', 'x'.repeat(256), 'é'.repeat(128)]) {
    const { run, dir } = await extracting(t, [node(DIRECTORY, [{ Name: name, Hash: leaf.cid }]), leaf]);
    await assert.rejects(run(), { code: 'ENTRY_HOSTILE' }, JSON.stringify(name));
    assert.deepEqual((await readdir(dir)).sort(), ['blocks', 'out']);
  }
});

test('names that only look bad are kept', async (t) => {
  const leaf = randomBlock();
  const names = ['-rf', '...', 'a\\b', 'a\nb', 'x'.repeat(255), '__proto__', 'CON'].sort();
  const { run, out } = await extracting(t, [node(DIRECTORY, names.map((Name) => ({ Name, Hash: leaf.cid }))), leaf]);
  await run();
  assert.deepEqual((await readdir(out)).sort(), names);
  assert.deepEqual(new Uint8Array(await readFile(join(out, '-rf'))), leaf.bytes);
  assert.equal((await stat(join(out, '-rf'))).mode & 0o777, 0o444);
});

test('doubled names, links, other codecs and broken nodes are typed errors', async (t) => {
  const leaf = randomBlock();
  const folder = node(DIRECTORY, [{ Name: 'x', Hash: leaf.cid }]);
  const link = node(new Uint8Array([8, 4, 18, 4, ...Buffer.from('/etc')]), []);
  const cbor = { cid: cidOf(new Uint8Array([1]), 0x71), bytes: new Uint8Array([1]) };
  const cases: [string, Block[]][] = [
    ['ENTRY_HOSTILE', [node(DIRECTORY, [{ Name: 'a', Hash: leaf.cid }, { Name: 'a', Hash: leaf.cid }]), leaf]],
    ['ENTRY_HOSTILE', [node(DIRECTORY, [{ Name: 'a', Hash: folder.cid }, { Name: 'a', Hash: folder.cid }]), folder, leaf]],
    ['ENTRY_HOSTILE', [node(DIRECTORY, [{ Name: 'a', Hash: link.cid }]), link]],
    ['ENTRY_UNSUPPORTED', [link]],
    ['ENTRY_UNSUPPORTED', [node(DIRECTORY, [{ Name: 'a', Hash: cbor.cid }]), cbor]],
    ['DAG_INVALID', [node(new Uint8Array([255, 255, 255]), [])]],
  ];
  for (const [code, blocks] of cases) await assert.rejects((await extracting(t, blocks)).run(), { code });
});

test('what unpacks to more than allowed stops there', async (t) => {
  const leaf = randomBlock(1000);
  let folder = node(DIRECTORY, Array.from({ length: 10 }, (_, i) => ({ Name: `${i}`, Hash: leaf.cid })));
  const blocks = [folder];
  for (let level = 0; level < 12; level++) {
    folder = node(DIRECTORY, Array.from({ length: 10 }, (_, i) => ({ Name: `${i}`, Hash: folder.cid })));
    blocks.unshift(folder);
  }
  await assert.rejects((await extracting(t, [...blocks, leaf], 100_000)).run(), { code: 'LIMIT_EXCEEDED' });
});

test('the executable bits of UnixFS are kept', async (t) => {
  const file = node(new Uint8Array([8, 2, 18, 2, 104, 105, 24, 2, 56, 0xed, 3]), []);
  const { run, out } = await extracting(t, [file]);
  await run();
  assert.equal(await readFile(out, 'utf8'), 'hi');
  assert.equal((await stat(out)).mode & 0o777, 0o555);
});
