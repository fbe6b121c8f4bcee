import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CID } from 'multiformats/cid';
import { DIRECTORY, node, randomBlock } from '../storage.test-util.ts';
import { blockKey } from '../unixfs/links.ts';
import { walkDag } from './walk-dag.ts';

interface Block { cid: CID; bytes: Uint8Array }
const { signal } = new AbortController();

/** Folders of so many files, below a root; one file in seven is the same everywhere. */
function tree(folders: readonly number[]): { root: CID; held: Map<string, Uint8Array>; leaves: Block[] } {
  const same = randomBlock(50);
  const leaves: Block[] = [];
  const tops = folders.map((files) => {
    const below = Array.from({ length: files }, (_, i) => (i % 7 === 6 ? same : randomBlock(20 + i % 90)));
    leaves.push(...below);
    return node(DIRECTORY, below.map(({ cid, bytes }, i) => ({ Name: String(i).padStart(5, '0'), Hash: cid, Tsize: bytes.length })));
  });
  const root = node(DIRECTORY, tops.map(({ cid }, i) => ({ Name: String(i).padStart(3, '0'), Hash: cid })));
  return { root: root.cid, leaves, held: new Map([root, ...tops, ...leaves].map(({ cid, bytes }) => [blockKey(cid), bytes])) };
}

test('small leaves that are read together come in the same order, each once, whatever is missing or left to be read by itself', async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.oneof(fc.nat(5), fc.nat(400)), { maxLength: 5 }), fc.nat(1_000), fc.nat(1_000), fc.boolean(), async (folders, gone, left, duplicates) => {
      const { root, held, leaves } = tree(folders);
      for (const [i, { cid }] of leaves.entries()) if ((i * 7 + gone) % 50 === 0) held.delete(blockKey(cid));
      const read = async (cid: CID) => held.get(blockKey(cid));
      let together = 0;
      const readMany = async (cids: readonly CID[]) => {
        if (left % 10 === 0) throw new Error('not today');
        together += cids.length;
        return cids.map((cid, i) => ((i + left) % 13 === 0 ? undefined : held.get(blockKey(cid))));
      };
      const walk = async (init: Partial<Parameters<typeof walkDag>[2]>) => (await Array.fromAsync(walkDag([root], read, { signal, duplicates, ...init }))).map(({ cid, bytes }) => [String(cid), bytes]);
      assert.deepEqual(await walk({ readMany }), await walk({}));
      if (left % 10 !== 0 && folders.some((files) => files > 30)) assert.ok(together > 0);
    },
  ), { numRuns: 40 });
});
