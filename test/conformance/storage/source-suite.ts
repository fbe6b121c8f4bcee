import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import type { CID } from 'multiformats/cid';
import { createCascade } from '../../../src/storage/cascade.ts';
import type { Source } from '../../../src/storage/source.ts';
import { cidOf, memorySource, randomBlock } from '../../../src/storage/storage.test-util.ts';

/** A source, and the hands to make what is behind it good or bad. */
export interface SourceWorld {
  source: Source;
  /** Puts a block where the source finds it. */
  put(cid: CID, bytes: Uint8Array): Promise<void>;
  /** Makes what is behind the source give other bytes for a block it has. */
  corrupt(cid: CID, bytes: Uint8Array): Promise<void>;
  /** Makes what is behind the source take requests and answer none; absent when nothing behind the source can stall. */
  stall?(): Promise<void>;
}

const unaborted = new AbortController().signal;

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
    for (const wrong of [new Uint8Array(randomBytes(1000)), new Uint8Array(), new Uint8Array(randomBytes(10))]) {
      const { cid, bytes } = await held(world);
      await world.corrupt(cid, wrong);
      const cascade = createCascade([world.source, memorySource('honest', [{ cid, bytes }])]);
      const block = await cascade.read(cid, { signal: unaborted });
      assert.equal(block.source, 'honest');
      assert.equal(Buffer.compare(block.bytes, bytes), 0);
      await assert.rejects(createCascade([world.source]).read(cid, { signal: unaborted }), { code: 'NOT_FOUND' });
    }
  });

  suite('aborted: before, with the signal\'s reason', async (_t, world) => {
    const { cid } = randomBlock();
    await assert.rejects(createCascade([world.source]).read(cid, { signal: AbortSignal.abort(new Error('enough')) }), /enough/);
  });

  suite('stalled: left after the timeout for the next source; aborted meanwhile: over at once', async (t, world) => {
    if (world.stall === undefined) return t.skip('nothing behind this source can stall');
    const { cid, bytes } = await held(world);
    await world.stall();
    const cascade = createCascade([world.source, memorySource('honest', [{ cid, bytes }])], { stallTimeoutMs: 100 });
    assert.equal((await cascade.read(cid, { signal: unaborted })).source, 'honest');
    assert.match(cascade.report()[0]!.errors.join(), /nothing came/);
    const controller = new AbortController();
    const reading = world.source.read(cid, { signal: controller.signal });
    reading.catch(() => {});
    controller.abort(new Error('enough'));
    await assert.rejects(reading, /enough/);
  });
}
