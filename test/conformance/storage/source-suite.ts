import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as dagPb from '@ipld/dag-pb';
import type { ReadableStorage } from 'ipfs-unixfs-exporter';
import { CID } from 'multiformats/cid';
import { writeVarint } from '../../../src/storage/car/varint.ts';
import { createCascade, type Cascade } from '../../../src/storage/fetch/cascade.ts';
import { MAX_DAG_DEPTH } from '../../../src/storage/constants.ts';
import { fetchDag } from '../../../src/storage/fetch/fetch-dag.ts';
import type { Source } from '../../../src/storage/source.ts';
import { cidOf, DIRECTORY, memorySource, node, randomBlock, tempDir } from '../../../src/storage/storage.test-util.ts';
import { extract } from '../../../src/storage/unixfs/extract.ts';
import { openEntry } from '../../../src/storage/unixfs/open-entry.ts';

/** A block and its name. */
export interface Block { cid: CID; bytes: Uint8Array }

/** A source, and the hands to make what is behind it good or bad. */
export interface SourceWorld {
  source: Source;
  /** Puts a block where the source finds it. */
  put(cid: CID, bytes: Uint8Array): Promise<void>;
  /** The same for many at once, where that is faster than one by one. */
  putAll?(blocks: readonly Block[]): Promise<void>;
  /** Makes what is behind the source give other bytes for a block it has. */
  corrupt(cid: CID, bytes: Uint8Array): Promise<void>;
  /** Makes what is behind the source take requests and answer none; absent when nothing behind the source can stall. */
  stall?(): Promise<void>;
}

const unaborted = new AbortController().signal;
const keep = async () => {};

/** A UnixFS file of raw leaves: its type, its size and theirs (ipfs/specs, UnixFS: fields 1, 3 and 4 of Data). */
function fileOf(leaves: readonly Block[]): Block {
  const sizes = leaves.flatMap(({ bytes }) => [0x20, ...writeVarint(bytes.length)]);
  const total = leaves.reduce((sum, { bytes }) => sum + bytes.length, 0);
  return node(Uint8Array.of(0x08, 2, 0x18, ...writeVarint(total), ...sizes), leaves.map(({ cid, bytes }) => ({ Name: '', Hash: cid, Tsize: bytes.length })));
}

function storeOver(world: SourceWorld): { store: ReadableStorage; cascade: Cascade } {
  const cascade = createCascade([world.source]);
  return { cascade, store: { async* get(cid) { yield (await cascade.read(cid, { signal: unaborted })).bytes; } } };
}

/** What every source of the cascade must do, whatever is behind it. */
export function testSource(name: string, makeWorld: (t: TestContext) => Promise<SourceWorld>): void {
  const suite = (what: string, run: (t: TestContext, world: SourceWorld) => Promise<void>) => (
    test(`${name}: ${what}`, async (t) => run(t, await makeWorld(t))));
  const held = async (world: SourceWorld, size = 1000) => {
    const bytes = new Uint8Array(randomBytes(size));
    const cid = cidOf(bytes);
    await world.put(cid, bytes);
    return { cid, bytes };
  };

  suite('whole: every block it has, the empty and the largest among them', async (_t, world) => {
    for (const size of [0, 1, 1000, 1 << 20, 2 << 20]) {
      const { cid, bytes } = await held(world, size);
      assert.equal(await world.source.has(cid, { signal: unaborted }), true);
      assert.equal(Buffer.compare(await world.source.read(cid, { signal: unaborted }), bytes), 0, `${size} bytes`);
    }
    const several = await Promise.all(Array.from({ length: 20 }, () => held(world)));
    const read = await Promise.all(several.map(({ cid }) => world.source.read(cid, { signal: unaborted })));
    several.forEach(({ bytes }, i) => assert.equal(Buffer.compare(read[i]!, bytes), 0));
  });

  suite('missing: NOT_FOUND, twice, and found once it is there', async (_t, world) => {
    const { cid, bytes } = randomBlock();
    assert.equal(await world.source.has(cid, { signal: unaborted }), false);
    await assert.rejects(world.source.read(cid, { signal: unaborted }), { code: 'NOT_FOUND' });
    await assert.rejects(world.source.read(cid, { signal: unaborted }), { code: 'NOT_FOUND' });
    await world.put(cid, bytes);
    assert.equal(Buffer.compare(await world.source.read(cid, { signal: unaborted }), bytes), 0);
  });

  suite('wrong bytes: the cascade never lets them through, and the next source serves', async (_t, world) => {
    const wrongs = [() => randomBytes(1000), () => new Uint8Array(), () => randomBytes(10), (bytes: Uint8Array) => bytes.slice(0, 500), (bytes: Uint8Array) => Buffer.concat([bytes, randomBytes(1)])];
    const blocks: Block[] = [];
    for (const wrong of wrongs) {
      const block = await held(world);
      await world.corrupt(block.cid, new Uint8Array(wrong(block.bytes)));
      blocks.push(block);
    }
    // All at once: some sources take wrong bytes for silence, and wait.
    await Promise.all(blocks.map(async ({ cid, bytes }) => {
      const cascade = createCascade([world.source, memorySource('honest', [{ cid, bytes }])]);
      const block = await cascade.read(cid, { signal: unaborted });
      assert.equal(block.source.name, 'honest');
      assert.equal(Buffer.compare(block.bytes, bytes), 0);
      await assert.rejects(createCascade([world.source]).read(cid, { signal: unaborted }), { code: 'NOT_FOUND' });
    }));
  });

  suite('a file: whole and in ranges, of which only the blocks are read', async (_t, world) => {
    const leaves = [randomBlock(1000), randomBlock(1000), randomBlock(1000)];
    const root = fileOf(leaves);
    for (const block of [root, ...leaves]) await world.put(block.cid, block.bytes);
    const whole = Buffer.concat(leaves.map(({ bytes }) => bytes));
    for (const [offset, length, blocks] of [[0, 3000, 4], [0, 0, 1], [999, 2, 3], [1000, 1000, 2], [2999, 1, 2]] as const) {
      const { store, cascade } = storeOver(world);
      const chunks: Uint8Array[] = [];
      const file = await openEntry(store, root.cid);
      assert.equal(file.type, 'file');
      if (file.type === 'file') for await (const chunk of file.content({ offset, length })) chunks.push(chunk);
      assert.equal(Buffer.compare(Buffer.concat(chunks), whole.subarray(offset, offset + length)), 0, `${offset}+${length}`);
      // A block that ends where the range begins, or begins where it ends, may be read as well.
      assert.ok(cascade.report()[0]!.blocks <= Math.min(4, blocks + 1), `${offset}+${length}`);
    }
  });

  suite('a block in the middle is missing: said so, by name of the source; what came is kept, and goes on from there', async (_t, world) => {
    const leaves = [randomBlock(1000), randomBlock(1000), randomBlock(1000)];
    const root = fileOf(leaves);
    for (const block of [root, leaves[0]!, leaves[2]!]) await world.put(block.cid, block.bytes);
    const kept: Block[] = [];
    const keep = async (cid: CID, bytes: Uint8Array) => { kept.push({ cid, bytes: bytes.slice() }); };
    await assert.rejects(fetchDag(root.cid, { sources: [{ ...world.source, local: false }], keep, concurrency: 1 }), {
      code: 'NOT_FOUND', message: new RegExp(`${leaves[1]!.cid} \\(${world.source.name}: `),
    });
    // A source that streams goes on behind what is missing; one that is read block by block stops there.
    assert.deepEqual(kept.map(({ cid }) => String(cid)), [root, leaves[0]!, leaves[2]!].slice(0, world.source.stream === undefined ? 2 : kept.length).map(({ cid }) => String(cid)));
    const before = kept.length;
    assert.ok(before >= 2);
    await world.put(leaves[1]!.cid, leaves[1]!.bytes);
    const receipt = await fetchDag(root.cid, { sources: [{ ...memorySource('kept', kept), local: true }, world.source], keep });
    assert.deepEqual(receipt.sources.map(({ blocks }) => blocks), [before, 4 - before]);
  });

  suite('hostile DAGs: wrong codec, names that lead out, more paths than blocks, too deep: bounded and typed', async (t, world) => {
    const leaf = randomBlock(100);
    await world.put(leaf.cid, leaf.bytes);
    const asNode = CID.createV1(dagPb.code, leaf.cid.multihash);
    await assert.rejects(fetchDag(asNode, { sources: [world.source], keep }), { code: 'DAG_INVALID' });
    await assert.rejects(fetchDag(CID.createV1(0x71, leaf.cid.multihash), { sources: [world.source], keep }), { code: 'FORMAT_UNSUPPORTED' });

    const dir = await tempDir(t);
    for (const [i, Name] of ['../evil', '..', '.', '', 'a/b', '/etc', 'nul\0'].entries()) {
      const folder = node(DIRECTORY, [{ Name, Hash: leaf.cid }]);
      await world.put(folder.cid, folder.bytes);
      await assert.rejects(extract(storeOver(world).store, folder.cid, join(dir, String(i), 'out'), { maxBytes: 1e6, fileMode: 0o644 }), (error: { code?: string }) => (
        error.code === 'ENTRY_HOSTILE' || error.code === 'ENOENT'), Name);
    }
    assert.deepEqual(await readdir(dir), []);

    // Each level holds the one below twice: 2^20 paths, 21 blocks; then the same leaf under many names.
    let tower = node(DIRECTORY, [{ Name: 'a', Hash: leaf.cid }, { Name: 'b', Hash: leaf.cid }]);
    await world.put(tower.cid, tower.bytes);
    for (let level = 1; level < 20; level++) {
      tower = node(DIRECTORY, [{ Name: 'a', Hash: tower.cid }, { Name: 'b', Hash: tower.cid }]);
      await world.put(tower.cid, tower.bytes);
    }
    assert.equal((await fetchDag(tower.cid, { sources: [world.source], keep })).blocks, 21);

    // 10,000 levels, of which the source has as many as anybody may ask for.
    const chain = [node(DIRECTORY, [])];
    for (let i = 1; i < 10_000; i++) chain.push(node(DIRECTORY, [{ Name: 'd', Hash: chain.at(-1)!.cid }]));
    const top = chain.slice(-(MAX_DAG_DEPTH + 2));
    if (world.putAll !== undefined) await world.putAll(top);
    else for (const { cid, bytes } of top) await world.put(cid, bytes);
    await assert.rejects(fetchDag(top.at(-1)!.cid, { sources: [world.source], keep }), { code: 'DAG_INVALID', message: /too deep/ });
  });

  suite('aborted: before, with the signal\'s reason', async (_t, world) => {
    const { cid } = randomBlock();
    await assert.rejects(createCascade([world.source]).read(cid, { signal: AbortSignal.abort(new Error('enough')) }), /enough/);
  });

  suite('stalled: left after the timeout for the next source; aborted meanwhile: over at once', async (t, world) => {
    if (world.stall === undefined) return t.skip('nothing behind this source can stall');
    const { cid, bytes } = await held(world);
    await world.stall();
    // For one on this machine no time is set that a busy one could miss.
    const cascade = createCascade([world.source, { ...memorySource('honest', [{ cid, bytes }]), local: true }], { stallTimeoutMs: 100 });
    assert.equal((await cascade.read(cid, { signal: unaborted })).source.name, 'honest');
    assert.match(cascade.report()[0]!.errors.join(), /nothing came/);
    const slow = createCascade([world.source, memorySource('honest', [{ cid, bytes }])], { overtakeMs: 50 });
    assert.equal((await slow.read(cid, { signal: unaborted })).source.name, 'honest');
    assert.match(slow.report()[0]!.errors.join(), /overtaken by honest/);
    const controller = new AbortController();
    const reading = world.source.read(cid, { signal: controller.signal });
    reading.catch(() => {});
    controller.abort(new Error('enough'));
    await assert.rejects(reading, /enough/);
  });
}
