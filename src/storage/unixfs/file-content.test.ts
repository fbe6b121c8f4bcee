import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CID } from 'multiformats/cid';
import { MAX_DAG_DEPTH } from '../constants.ts';
import { blockKey } from './links.ts';
import { fileContent, type UnixFSContent } from './file-content.ts';
import { openEntry } from './open-entry.ts';
import { DIRECTORY, fileNode, node, randomBlock } from '../storage.test-util.ts';

type Block = { cid: CID; bytes: Uint8Array };
interface Tree { own: number; children: Tree[] }

/** A file of nodes with bytes of their own before those of their children; what a tree without children is, is a raw leaf. */
function build({ own, children }: Tree, blocks: Block[]): { block: Block; content: Buffer } {
  const bytes = randomBytes(own);
  if (children.length === 0) {
    const block = randomBlock(own);
    blocks.push(block);
    return { block, content: Buffer.from(block.bytes) };
  }
  const built = children.map((child) => build(child, blocks));
  const block = fileNode(bytes, built.map(({ block: { cid }, content }) => ({ cid, bytes: content.length })));
  blocks.push(block);
  return { block, content: Buffer.concat([bytes, ...built.map(({ content }) => content)]) };
}

function storeOf(blocks: readonly Block[], read: string[] = []) {
  const held = new Map(blocks.map(({ cid, bytes }) => [blockKey(cid), bytes]));
  return { async* get(cid: CID) { read.push(blockKey(cid)); yield held.get(blockKey(cid))!; } };
}

const collect = async (stream: AsyncIterable<Uint8Array>) => Buffer.concat(await Array.fromAsync(stream));
const open = async (blocks: readonly Block[], { cid }: Block) => (await openEntry(storeOf(blocks), cid)) as UnixFSContent;

test('any range of any file: its bytes, and no block outside of it but those that lead there', async () => {
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.record({ own: fc.nat(20), children: fc.oneof({ maxDepth: 4 }, fc.constant<Tree[]>([]), fc.array(tie('tree'), { minLength: 1, maxLength: 4 })) }),
  }));
  await fc.assert(fc.asyncProperty(tree, fc.nat(60), fc.option(fc.nat(60)), async (shape, offset, count) => {
    const blocks: Block[] = [];
    const { block, content } = build(shape, blocks);
    const read: string[] = [];
    const length = count ?? Infinity;
    const came = await collect(fileContent(storeOf(blocks, read), await open(blocks, block), { offset, length }));
    assert.equal(Buffer.compare(came, content.subarray(offset, offset + length)), 0);
    if (came.length === 0) assert.ok(read.length <= blocks.length);
    assert.equal(new Set(read).size, read.length, 'no block is read twice');
  }), { numRuns: 200, seed: 6 });
});

test('only the range is read', async () => {
  const blocks: Block[] = [];
  const { block } = build({ own: 0, children: Array.from({ length: 50 }, () => ({ own: 10, children: [] })) }, blocks);
  const read: string[] = [];
  await collect(fileContent(storeOf(blocks, read), await open(blocks, block), { offset: 205, length: 10 }));
  assert.deepEqual(read, [blocks[20]!, blocks[21]!].map(({ cid }) => blockKey(cid)));
});

test('sizes that are not those of what is there, something else in a file, too many levels: nothing is made up', async () => {
  const leaf = randomBlock(10);
  const folder = node(DIRECTORY, []);
  const cases: [string, Block][] = [
    ['a leaf longer than its parent says', fileNode(new Uint8Array(), [{ cid: leaf.cid, bytes: 9 }])],
    ['shorter', fileNode(new Uint8Array(), [{ cid: leaf.cid, bytes: 11 }])],
    ['a size too many', fileNode(new Uint8Array(), [{ cid: leaf.cid, bytes: 10 }], (sizes) => [...sizes, 5])],
    ['a size too few', fileNode(new Uint8Array(), [{ cid: leaf.cid, bytes: 10 }, { cid: leaf.cid, bytes: 10 }], (sizes) => sizes.slice(1))],
    ['a folder in it', fileNode(new Uint8Array(), [{ cid: folder.cid, bytes: 10 }])],
  ];
  for (const [name, root] of cases) {
    const blocks = [leaf, folder, root];
    await assert.rejects(async () => collect(fileContent(storeOf(blocks), await open(blocks, root))), { code: 'DAG_INVALID' }, name);
  }
  const blocks = [leaf];
  for (let level = 0; level <= MAX_DAG_DEPTH; level++) blocks.push(fileNode(new Uint8Array(), [{ cid: blocks.at(-1)!.cid, bytes: 10 }]));
  await assert.rejects(async () => collect(fileContent(storeOf(blocks), await open(blocks, blocks.at(-1)!))), { code: 'DAG_INVALID', message: /levels/ });
});
