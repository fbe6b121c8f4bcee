import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { importer } from 'ipfs-unixfs-importer';
import type { CID } from 'multiformats/cid';
import { ChildList } from './child-list.ts';
import { shardedDirectory } from './sharded-directory.ts';
import { randomBlock } from '../storage.test-util.ts';

const blocksInto = (blocks: Set<string>) => ({ put: async (cid: CID) => { blocks.add(cid.toString()); return cid; } });

test('the same blocks as the importer\'s, whatever the names', async () => {
  const { cid } = randomBlock();
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((one) => !/[/\0]|^\.\.?$/.test(one) && one.isWellFormed());
  const sizes = fc.uniqueArray(fc.tuple(name, fc.nat(2 ** 40)), { minLength: 1, maxLength: 700, selector: ([one]) => one, size: 'max' });
  await fc.assert(fc.asyncProperty(sizes, async (entries) => {
    const list = new ChildList();
    for (const [one, size] of entries) list.add(one, { cid, size: BigInt(size) });
    const ours = new Set<string>();
    const made = await shardedDirectory(blocksInto(ours), list);
    const theirs = new Set<string>();
    let last;
    for await (const result of importer([], blocksInto(theirs) as unknown as Parameters<typeof importer>[1], {
      profile: 'unixfs-v1-2025', shardSplitThresholdBytes: 0, wrapWithDirectory: true,
      dagBuilder: async function* () { for (const [path, size] of entries) yield async () => ({ cid, size: BigInt(size), path }); },
    })) last = result;
    assert.equal(made.cid.toString(), last!.cid.toString());
    assert.equal(made.size, last!.size);
    assert.deepEqual([...ours].sort(), [...theirs].sort());
  }), { numRuns: 15, seed: 6 });
});

test('a list keeps what was put into it, whatever the lengths, over many pages', () => {
  const list = new ChildList();
  const blocks = Array.from({ length: 500 }, () => randomBlock(10));
  const nameOf = (i: number) => `näme ${i}`.padEnd(i % 7 === 0 ? 60_000 : i % 40, '…');
  for (const [i, { cid }] of blocks.entries()) list.add(nameOf(i).slice(0, 20_000), { cid, size: BigInt(i) ** 5n });
  assert.equal(list.length, 500);
  for (const [i, { cid }] of blocks.entries()) {
    assert.deepEqual([list.nameOf(i), list.sizeOf(i), list.cidOf(i).toString()], [nameOf(i).slice(0, 20_000), i ** 5, cid.toString()]);
    assert.equal(list.nameBytesOf(i).toString(), list.nameOf(i));
  }
  assert.throws(() => list.add('x'.repeat(65_536), { cid: blocks[0]!.cid, size: 0n }), { code: 'SOURCE_INVALID' });
});
