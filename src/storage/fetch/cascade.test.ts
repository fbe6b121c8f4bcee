import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mockTime } from '../../protocol/base/mock-time.test-util.ts';
import { createCascade } from './cascade.ts';
import type { Source } from '../source.ts';
import { createSuspects } from './suspects.ts';
import { memorySource, randomBlock } from '../storage.test-util.ts';

const signal = new AbortController().signal;
const never = () => new Promise<never>(() => {});

test('the first source that has the block serves it: local 1, others 0', async () => {
  const block = randomBlock();
  const [local, ipfs, filecoin] = ['local', 'ipfs', 'filecoin'].map((name) => memorySource(name, [block]));
  const cascade = createCascade([local!, ipfs!, filecoin!]);
  assert.deepEqual(await cascade.read(block.cid, { signal }), { bytes: block.bytes, source: local });
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
  assert.equal((await cascade.read(b.cid, { signal })).source.name, 'ipfs');
  assert.equal((await cascade.read(a.cid, { signal })).source.name, 'local');
  assert.deepEqual(sources.map(({ reads }) => reads), [2, 1]);
});

test('who serves a wrong block is not asked again; neither is who serves one too large', async () => {
  const blocks = [randomBlock(), randomBlock()];
  const liar = memorySource('liar', [], async () => new Uint8Array(100));
  const fat = memorySource('fat', [], async () => new Uint8Array(3 << 20));
  const honest = memorySource('honest', blocks);
  const cascade = createCascade([liar, fat, honest]);
  for (const { cid, bytes } of blocks) assert.deepEqual(await cascade.read(cid, { signal }), { bytes, source: honest });
  assert.deepEqual([liar.reads, fat.reads, honest.reads], [1, 1, 2]);
  const [first, second] = cascade.report();
  assert.match(first!.errors[0]!, /not those the CID names/);
  assert.match(second!.errors[0]!, /too large/);
  assert.equal(first!.blocks, 0);
});

test('a stalled source is left, even one that ignores its signal, and not asked again', async () => {
  const blocks = [randomBlock(), randomBlock()];
  const stuck = memorySource('stuck', [], never);
  // For one on this machine no time is set that a busy one could miss.
  const honest: Source = { ...memorySource('honest', blocks), local: true };
  const cascade = createCascade([stuck, honest], { stallTimeoutMs: 20 });
  for (const { cid } of blocks) assert.equal((await cascade.read(cid, { signal })).source.name, 'honest');
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

test('who lied is not asked by later fetches either, until its time is over; who only failed is', async () => {
  const block = randomBlock();
  let now = 0;
  const suspects = createSuspects({ timeoutMs: 1000, now: () => now });
  const liar = memorySource('liar', [], async () => new Uint8Array(100));
  const broken = memorySource('broken', [], () => Promise.reject(new Error('wire cut')));
  const honest = memorySource('honest', [block]);
  for (let i = 0; i < 3; i++) await createCascade([liar, broken, honest], { suspects }).read(block.cid, { signal });
  assert.deepEqual([liar.reads, broken.reads, honest.reads], [1, 3, 3]);
  const told = createCascade([liar, honest], { suspects });
  await told.read(block.cid, { signal });
  assert.match(told.report()[0]!.errors[0]!, /not asked for a while: the bytes are not those/);
  now = 1000;
  await createCascade([liar, honest], { suspects }).read(block.cid, { signal });
  assert.equal(liar.reads, 2);
});

test('a slow source is overtaken: the next one serves, the slow read is ended, and the slow one comes last from then on', async (t) => {
  const pass = mockTime(t);
  const blocks = [randomBlock(), randomBlock()];
  let ended = 0;
  const slow = memorySource('slow', blocks, (_cid, inner) => new Promise((_resolve, reject) => {
    inner.addEventListener('abort', () => { ended++; reject(inner.reason); });
    setImmediate(() => pass(10));
  }));
  const fast = memorySource('fast', blocks);
  const cascade = createCascade([slow, fast], { overtakeMs: 10 });
  for (const { cid } of blocks) assert.equal((await cascade.read(cid, { signal })).source, fast);
  assert.deepEqual([slow.reads, fast.reads, ended], [1, 2, 1]);
  assert.match(cascade.report()[0]!.errors[0]!, /overtaken by fast after 10 ms/);
});

test('an overtaken source may still win', async () => {
  const block = randomBlock();
  const gate = Promise.withResolvers<Uint8Array>();
  const slow = memorySource('slow', [], () => gate.promise);
  const stuck = memorySource('stuck', [], () => { gate.resolve(block.bytes); return never(); });
  assert.equal((await createCascade([slow, stuck], { overtakeMs: 10 }).read(block.cid, { signal })).source, slow);
});

test('a busy disk is waited for, however long; whoever else is silent is not', async () => {
  const block = randomBlock();
  const gate = Promise.withResolvers<Uint8Array>();
  const disk: Source = { ...memorySource('disk', [], () => gate.promise), local: true };
  const dead = memorySource('dead', [], never);
  const cascade = createCascade([dead, disk], { overtakeMs: 1, stallTimeoutMs: 5 });
  const reading = cascade.read(block.cid, { signal });
  await assert.rejects(createCascade([dead], { stallTimeoutMs: 5 }).read(block.cid, { signal }), { code: 'NOT_FOUND' });
  gate.resolve(block.bytes);
  assert.equal((await reading).source, disk);
});
