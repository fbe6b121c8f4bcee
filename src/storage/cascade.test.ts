import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCascade } from './cascade.ts';
import { memorySource, randomBlock } from './storage.test-util.ts';

const signal = new AbortController().signal;
const never = () => new Promise<never>(() => {});

test('the first source that has the block serves it: local 1, others 0', async () => {
  const block = randomBlock();
  const [local, ipfs, filecoin] = ['local', 'ipfs', 'filecoin'].map((name) => memorySource(name, [block]));
  const cascade = createCascade([local!, ipfs!, filecoin!]);
  assert.deepEqual(await cascade.read(block.cid, { signal }), { bytes: block.bytes, source: 'local' });
  assert.deepEqual([local!.reads, ipfs!.reads, filecoin!.reads], [1, 0, 0]);
  assert.deepEqual(cascade.report().map(({ name, blocks, bytes, errors }) => ({ name, blocks, bytes, errors })), [
    { name: 'local', blocks: 1, bytes: 100, errors: [] }, { name: 'ipfs', blocks: 0, bytes: 0, errors: [] },
    { name: 'filecoin', blocks: 0, bytes: 0, errors: [] },
  ]);
});

test('a missing block is looked for in order, and each source is asked again for the next', async () => {
  const [a, b] = [randomBlock(), randomBlock()];
  const sources = [memorySource('local', [a]), memorySource('ipfs', [b])];
  const cascade = createCascade(sources);
  assert.equal((await cascade.read(b.cid, { signal })).source, 'ipfs');
  assert.equal((await cascade.read(a.cid, { signal })).source, 'local');
  assert.deepEqual(sources.map(({ reads }) => reads), [2, 1]);
});

test('who serves a wrong block is not asked again; neither is who serves one too large', async () => {
  const blocks = [randomBlock(), randomBlock()];
  const liar = memorySource('liar', [], async () => new Uint8Array(100));
  const fat = memorySource('fat', [], async () => new Uint8Array(3 << 20));
  const honest = memorySource('honest', blocks);
  const cascade = createCascade([liar, fat, honest]);
  for (const { cid, bytes } of blocks) assert.deepEqual(await cascade.read(cid, { signal }), { bytes, source: 'honest' });
  assert.deepEqual([liar.reads, fat.reads, honest.reads], [1, 1, 2]);
  const [first, second] = cascade.report();
  assert.match(first!.errors[0]!, /not those the CID names/);
  assert.match(second!.errors[0]!, /too large/);
  assert.equal(first!.blocks, 0);
});

test('a stalled source is left, even one that ignores its signal, and not asked again', async () => {
  const blocks = [randomBlock(), randomBlock()];
  const stuck = memorySource('stuck', [], never);
  const honest = memorySource('honest', blocks);
  const cascade = createCascade([stuck, honest], { stallTimeoutMs: 20 });
  for (const { cid } of blocks) assert.equal((await cascade.read(cid, { signal })).source, 'honest');
  assert.equal(stuck.reads, 1);
});

test('failure lists every source and why', async () => {
  const { cid } = randomBlock();
  const broken = memorySource('broken', [], () => Promise.reject(new Error('wire cut')));
  const liar = memorySource('liar', [], async () => new Uint8Array(1));
  const cascade = createCascade([memorySource('empty', []), broken, liar]);
  await assert.rejects(cascade.read(cid, { signal }), (error: Error) => {
    assert.match(error.message, /empty: not in memory; broken: wire cut; liar: the bytes are not those/);
    return (error as Error & { code: string }).code === 'NOT_FOUND';
  });
  await assert.rejects(createCascade([]).read(cid, { signal }), { code: 'NOT_FOUND' });
});

test('an abort ends a read with its reason, and is nobody\'s fault', async () => {
  const { cid } = randomBlock();
  const controller = new AbortController();
  const cascade = createCascade([memorySource('stuck', [], never), memorySource('next', [])]);
  const reading = cascade.read(cid, { signal: controller.signal });
  controller.abort(new Error('enough'));
  await assert.rejects(reading, /enough/);
  assert.deepEqual(cascade.report().map(({ errors }) => errors), [[], []]);
});
