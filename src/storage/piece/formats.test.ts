import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { CID } from 'multiformats/cid';
import { carOf, carV2Of } from '../car/car.test-util.ts';
import { DIRECTORY, node, randomBlock, startStorage, tempDir } from '../storage.test-util.ts';
import { commP } from './commp.ts';
import { decodeRlePlus, encodeRlePlus } from './rle-plus.ts';
import { sectorOf } from './sector.test-util.ts';
import { openUnsealedSector } from './unsealed-sector.ts';

const MiB = 1 << 20;

test('RLE+: vectors of the specification\'s rules, there and back, and damage', () => {
  // Version 00, first bit 1, a run of one (1), a short run of 5 (01 and 1010): 0 0 1 1 0 1 1 0 | 1 0.
  assert.deepEqual(decodeRlePlus(Uint8Array.of(0b0110_1100, 0b01)), [{ start: 0, end: 1 }]);
  // Version 00, first bit 1, a long run (00) of 300: varint ac 02.
  assert.deepEqual(decodeRlePlus(encodeRlePlus([{ start: 0, end: 300 }])), [{ start: 0, end: 300 }]);
  assert.equal(Buffer.from(encodeRlePlus([{ start: 0, end: 300 }])).toString('hex'), '845500');
  fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 2 ** 36 }), fc.integer({ min: 1, max: 2 ** 36 })), { maxLength: 20 }), (gaps) => {
    let at = 0;
    const runs = gaps.map(([gap, length]) => {
      const start = at + gap;
      at = start + length;
      return { start, end: at };
    });
    assert.deepEqual(decodeRlePlus(encodeRlePlus(runs)), runs);
  }));
  assert.throws(() => decodeRlePlus(Uint8Array.of(1)), { code: 'SECTOR_INVALID' });
  assert.throws(() => decodeRlePlus(Buffer.alloc(20, 0xe4 | 0xff).map((b, i) => (i === 0 ? 0b1110_0100 : b))), { code: 'SECTOR_INVALID' });
});

/** Two small DAGs as CARs. */
function makeCars(): { cars: Uint8Array[]; roots: CID[]; leaves: CID[] } {
  const made = [700_000, 300_000].map((size) => {
    const leaf = randomBlock(size);
    const root = node(DIRECTORY, [{ Name: 'data', Hash: leaf.cid, Tsize: size }]);
    return { car: carOf(root.cid, [root, leaf]), root: root.cid, leaf: leaf.cid };
  });
  return { cars: made.map(({ car }) => car), roots: made.map(({ root }) => root), leaves: made.map(({ leaf }) => leaf) };
}

async function withFolder(t: TestContext, kind: 'pieces' | 'sectors') {
  const folder = await tempDir(t);
  const problems: string[] = [];
  const { storage } = await startStorage(t, { offline: true, folders: { [kind]: [folder] }, onProblem: (_path, problem) => problems.push(problem) });
  return { folder, storage, problems };
}

test('an unsealed sector: the CARs of its pieces, without the padding; nothing that is not unsealed', async (t) => {
  const { folder, storage } = await withFolder(t, 'sectors');
  const { cars, roots } = makeCars();
  await mkdir(join(folder, 'unsealed'));
  const path = join(folder, 'unsealed', 's-t01000-7');
  const pieces = [{ at: 0, data: cars[0]! }, { at: 4 * MiB, data: cars[1]! }];
  await writeFile(path, sectorOf(8 * MiB, pieces, [{ start: 0, end: MiB }, { start: 4 * MiB, end: 8 * MiB }]));
  await storage.settled();
  for (const root of roots) {
    const receipt = await storage.fetch(root);
    assert.deepEqual(receipt.sources.map(({ name, blocks }) => [name, blocks]), [['local', 0], ['files', 0], ['sectors', 2]]);
  }
  const sector = await openUnsealedSector(path);
  t.after(() => sector.close());
  assert.deepEqual(Buffer.from(await sector.read(100, 5)), Buffer.from(cars[0]!.subarray(100, 105)));
  assert.deepEqual(Buffer.from(await sector.read(0, 300_000)), Buffer.from(cars[0]!.subarray(0, 300_000)));
  await assert.rejects(sector.read(2 * MiB, 1), { code: 'NOT_UNSEALED' });
  await assert.rejects(sector.read(0, 2 * MiB), { code: 'NOT_UNSEALED' });
  assert.equal((await sector.read(sector.size, 10)).length, 0);

  // The second piece is not unsealed any more: it is not read, whatever its bytes are.
  await writeFile(path, sectorOf(8 * MiB, pieces, [{ start: 0, end: MiB }]));
  await storage.settled();
  assert.equal((await storage.fetch(roots[0]!)).blocks, 2);
  await assert.rejects(storage.fetch(roots[1]!), { code: 'NOT_FOUND' });
});

test('files that are no sectors are told of', async (t) => {
  const { folder, storage, problems } = await withFolder(t, 'sectors');
  const good = sectorOf(2048, [], [{ start: 0, end: 2048 }]);
  const cases = [new Uint8Array(), Buffer.alloc(3), Buffer.alloc(5000), good.subarray(1), sectorOf(2048, [], [{ start: 0, end: 4096 }]), good];
  for (const [i, bytes] of cases.entries()) await writeFile(join(folder, `s-t01000-${i}`), bytes);
  await writeFile(join(folder, 'other'), 'not looked at');
  await storage.settled();
  assert.equal(problems.length, cases.length);
  assert.match(problems.join(), /no CAR begins in what is unsealed/);
});

test('whole pieces by name or from a park: checked by their commitment, known by it, read as CARs', async (t) => {
  const { folder, storage, problems } = await withFolder(t, 'pieces');
  const { cars, roots } = makeCars();
  const piece = await commP([cars[0]!]);
  await writeFile(join(folder, piece.cid.toString()), cars[0]!);
  await writeFile(join(folder, 's-t00-12'), cars[1]!);
  const raw = new Uint8Array(randomBytes(1000));
  // The length of a header that is none; by chance it could be no length at all, which is told otherwise.
  raw[0] = 10;
  await writeFile(join(folder, 's-t00-13'), raw);
  await writeFile(join(folder, `${piece.cid}.car`), cars[1]!);
  await storage.settled();
  for (const root of roots) assert.equal((await storage.fetch(root)).sources.find(({ name }) => name === 'pieces')!.blocks, 2);
  assert.deepEqual(await storage.piece(piece.cid), { path: join(folder, piece.cid.toString()), roots: [roots[0]!.toString()] });
  assert.deepEqual(await storage.piece((await commP([cars[1]!])).cid), { path: join(folder, 's-t00-12'), roots: [roots[1]!.toString()] });
  assert.deepEqual((await storage.piece((await commP([raw])).cid)).roots, []);
  await assert.rejects(storage.piece((await commP([new Uint8Array(100)])).cid), { code: 'NOT_FOUND' });
  assert.equal(problems.length, 2);
  assert.match(problems.sort().join(), /not a valid CAR.*not the piece its name says/);
});

test('a CARv2 as a piece, with the zeros a piece is filled up with', async (t) => {
  const { folder, storage } = await withFolder(t, 'pieces');
  const leaf = randomBlock(1000);
  for (const [i, kind] of (['none', 'sorted', 'multihash'] as const).entries()) {
    await writeFile(join(folder, `s-t00-${i}`), Buffer.concat([carV2Of(leaf.cid, [leaf], kind), Buffer.alloc(500)]));
  }
  await storage.settled();
  assert.equal((await storage.fetch(leaf.cid)).blocks, 1);
});
