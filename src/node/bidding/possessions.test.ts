import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pad, toHex } from 'viem';
import { possessionOf, possessionPicks, possessionProofs, possessionRoot } from '../../protocol/index.ts';
import { createStorage, openJournal, type Journal, type Storage } from '../../storage/index.ts';
import { INLINE_ROOT_BYTES } from '../constants.ts';
import { Possessions, type PossessionRecord } from './possessions.ts';

const { signal } = new AbortController();
const node = pad('0x01', { size: 20 });
/** Files that end amid chunks and segments, one of them empty. */
const contents = { a: randomBytes(1_500_001), b: Buffer.alloc(0), c: randomBytes(3), d: randomBytes(2_300_000) };
const single = randomBytes(70_000);
const whole = Buffer.concat([single, ...Object.values(contents)]);

let dir: string;
let storage: Storage;
let journal: Journal<PossessionRecord>;
let inputs: string[];
/** Files that were read. */
let reads = 0;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gadus-possessions-'));
  storage = await createStorage({}, { dir: join(dir, 'storage') });
  await mkdir(join(dir, 'tree'));
  for (const [name, bytes] of Object.entries(contents)) await writeFile(join(dir, 'tree', name), bytes);
  inputs = [(await storage.addBytes(single)).cid.toString(), (await storage.add(join(dir, 'tree'))).cid.toString()];
  journal = await openJournal<PossessionRecord>(join(dir, 'possessions'));
});
after(async () => {
  await storage.stop();
  await rm(dir, { recursive: true });
});
const counted: Pick<Storage, 'ls' | 'cat'> = { ls: (...args) => storage.ls(...args), cat: (...args) => { reads++; return storage.cat(...args); } };

test('what was added is read beside, and each part of it once for a claim', async () => {
  const possessions = new Possessions(counted, await openJournal<PossessionRecord>(join(dir, 'prepared')));
  const { cid } = await storage.addBytes(randomBytes(2_000_000));
  possessions.prepare(cid.toString(), signal);
  const second = (await storage.addBytes(randomBytes(10))).cid.toString();
  possessions.prepare(second, signal);
  const [{ dataRoot }] = await Promise.all([possessions.rootOf([cid.toString()], signal), possessions.rootOf([second], signal)]);
  reads = 0;
  assert.equal((await possessions.rootNow([cid.toString()], INLINE_ROOT_BYTES + 1, signal))?.dataRoot, dataRoot);
  assert.equal(reads, 0);
  await possessions.claim([cid.toString()], { seed: pad('0x07'), node, signal });
  assert.ok(reads <= 2, `${reads} reads of two mebibytes`);
});

test('the root is that of all contents in order, read once; claims are those of whoever reads all of it, for any seed', async () => {
  const possessions = new Possessions(counted, journal);
  const { dataRoot, dataBytes } = await possessions.rootOf(inputs, signal);
  assert.deepEqual({ dataRoot, dataBytes }, await possessionRoot([whole]));
  reads = 0;
  assert.deepEqual(await new Possessions(counted, journal).rootNow(inputs, INLINE_ROOT_BYTES + 1, signal), { dataRoot, dataBytes });
  assert.equal(reads, 0, 'known from the journal');
  for (let i = 0; i < 20; i++) {
    const seed = pad(toHex(i));
    const { chunks } = await possessionProofs([whole], possessionPicks(seed, dataBytes));
    assert.equal(await possessions.claim(inputs, { seed, node, signal }), possessionOf(chunks, node));
  }
});

test('of a large input nothing is known at first, but it is read meanwhile', async () => {
  const own = await openJournal<PossessionRecord>(join(dir, 'large'));
  const possessions = new Possessions(storage, own);
  assert.equal(await possessions.rootNow(inputs, INLINE_ROOT_BYTES + 1, signal), undefined);
  const { dataRoot } = await possessions.rootOf(inputs, signal);
  assert.deepEqual((await possessions.rootNow(inputs, INLINE_ROOT_BYTES + 1, signal))?.dataRoot, dataRoot);
});

test('nothing is claimed on parts that are not those of the whole', async () => {
  const hostile: Pick<Storage, 'ls' | 'cat'> = {
    ls: (...args) => storage.ls(...args),
    async* cat(cid, options = {}) {
      // Read from its start it is what it is, read from within it is something else.
      for await (const bytes of storage.cat(cid, options)) yield options.offset === undefined ? bytes : bytes.map((byte) => byte ^ 1);
    },
  };
  const possessions = new Possessions(hostile, await openJournal<PossessionRecord>(join(dir, 'hostile')));
  await possessions.rootOf(inputs, signal);
  assert.equal(await possessions.claim(inputs, { seed: pad('0x07'), node, signal }), undefined);
});
