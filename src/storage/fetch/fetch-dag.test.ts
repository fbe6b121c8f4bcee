import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import { CID } from 'multiformats/cid';
import { identity } from 'multiformats/hashes/identity';
import { fetchDag } from './fetch-dag.ts';
import { cidOf, DIRECTORY, memorySource, node, randomBlock } from '../storage.test-util.ts';

const keep = async () => {};

test('a DAG comes with at most so many blocks in flight, each block once', async () => {
  const leaves = Array.from({ length: 200 }, () => randomBlock());
  const root = node(DIRECTORY, [...leaves, ...leaves].map(({ cid }, i) => ({ Name: String(i).padStart(4, '0'), Hash: cid })));
  const source = memorySource('ipfs', [root, ...leaves]);
  const kept: string[] = [];
  const receipt = await fetchDag(root.cid, { sources: [source], keep: async (cid) => kept.push(cid.toString()), concurrency: 8 });
  assert.equal(source.reads, 201);
  assert.equal(source.peak, 8);
  assert.equal(new Set(kept).size, 201);
  assert.deepEqual({ blocks: receipt.blocks, bytes: receipt.bytes, cid: receipt.cid }, { blocks: 201, bytes: 20_000 + root.bytes.length, cid: root.cid.toString() });
  assert.equal(receipt.sources[0]!.blocks, 201);
});

test('limits: bytes from elsewhere, depth, codec, malformed node', async () => {
  const leaves = Array.from({ length: 5 }, () => randomBlock());
  const root = node(DIRECTORY, leaves.map(({ cid }, i) => ({ Name: String(i), Hash: cid })));
  const source = (name: string) => memorySource(name, [root, ...leaves]);
  await assert.rejects(fetchDag(root.cid, { sources: [source('ipfs')], keep, maxFetchBytes: 400 }), { code: 'LIMIT_EXCEEDED' });
  await fetchDag(root.cid, { sources: [{ ...source('local'), local: true }], keep, maxFetchBytes: 0 });

  const chain = [node(DIRECTORY, [])];
  for (let i = 0; i < 300; i++) chain.push(node(DIRECTORY, [{ Name: 'd', Hash: chain.at(-1)!.cid }]));
  await assert.rejects(fetchDag(chain.at(-1)!.cid, { sources: [memorySource('ipfs', chain)], keep }), { code: 'DAG_INVALID' });

  const cbor = { cid: cidOf(new Uint8Array([1]), 0x71), bytes: new Uint8Array([1]) };
  await assert.rejects(fetchDag(cbor.cid, { sources: [memorySource('ipfs', [cbor])], keep }), { code: 'FORMAT_UNSUPPORTED' });
  const garbage = { cid: cidOf(new Uint8Array([255, 255]), 0x70), bytes: new Uint8Array([255, 255]) };
  await assert.rejects(fetchDag(garbage.cid, { sources: [memorySource('ipfs', [garbage])], keep }), { code: 'DAG_INVALID' });
});

test('an identity CID needs no source', async () => {
  const inline = CID.createV1(0x55, identity.digest(new TextEncoder().encode('hello')));
  const root = node(DIRECTORY, [{ Name: 'hello', Hash: inline }]);
  const source = memorySource('ipfs', [root]);
  assert.equal((await fetchDag(root.cid, { sources: [source], keep })).blocks, 1);
  assert.equal(source.reads, 1);
  assert.equal((await fetchDag(inline, { sources: [], keep })).blocks, 0);
});

test('one missing block fails the fetch at once; nothing is left running; an abort gives its reason', async () => {
  const leaves = Array.from({ length: 50 }, () => randomBlock());
  const root = node(DIRECTORY, leaves.map(({ cid }, i) => ({ Name: String(i).padStart(2, '0'), Hash: cid })));
  const source = memorySource('ipfs', [root, ...leaves.slice(0, 20), ...leaves.slice(21)]);
  await assert.rejects(fetchDag(root.cid, { sources: [source], keep, concurrency: 4 }), { code: 'NOT_FOUND' });
  await immediate();
  assert.equal(source.active, 0);
  assert.ok(source.reads < 51);
  const controller = new AbortController();
  await assert.rejects(fetchDag(root.cid, {
    sources: [source], keep, signal: controller.signal, concurrency: 4, onProgress: ({ blocks }) => { if (blocks === 5) controller.abort(new Error('enough')); },
  }), /enough/);
  await immediate();
  assert.equal(source.active, 0);
});
