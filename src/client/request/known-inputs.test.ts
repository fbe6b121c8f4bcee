import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { possessionRoot } from '../../protocol/index.ts';
import { createStorage } from '../../storage/index.ts';
import { FETCH_BLOCKS_PER_SECOND, FETCH_BYTES_PER_SECOND, MAX_ROOT_BYTES, UNPACK_BYTES_PER_SECOND } from '../constants.ts';
import { fetchSeconds } from './fetch-seconds.ts';
import { knownInputs } from './known-inputs.ts';

const { signal } = new AbortController();
const ABSENT = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku';

test('size, number and root of what the client holds; of what it does not, or not wholly, nothing but what it is told', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-known-'));
  const storage = await createStorage({}, { dir: join(dir, 'storage') });
  t.after(async () => {
    await storage.stop();
    await rm(dir, { recursive: true });
  });
  await mkdir(join(dir, 'tree'));
  const contents = [...Array(30).keys()].map((i) => Buffer.from(`file ${i}`));
  for (const [i, bytes] of contents.entries()) await writeFile(join(dir, 'tree', String(i).padStart(2, '0')), bytes);
  const tree = (await storage.add(join(dir, 'tree'))).cid.toString();
  const root = await possessionRoot([Buffer.concat(contents)]);
  const { bytes, blocks, ...known } = await knownInputs(storage, [tree], { signal });
  assert.deepEqual(known, { root });
  assert.ok(bytes >= root.dataBytes && blocks === 31, `${bytes} bytes in ${blocks} blocks`);
  assert.deepEqual(await knownInputs(storage, [tree, ABSENT], { signal }), { bytes: 0, blocks: 0 });
  assert.deepEqual(await knownInputs(storage, [ABSENT], { given: root, signal }), { bytes: Number(root.dataBytes), blocks: 0, root });
  assert.deepEqual(await knownInputs(storage, [], { signal }), { bytes: 0, blocks: 0 });
  const large = { ...storage, locality: async () => ({ share: 1, totalBytes: MAX_ROOT_BYTES + 1, heldBytes: MAX_ROOT_BYTES + 1, blocks: 3 }), ls: () => assert.fail('read'), cat: () => assert.fail('read') };
  assert.deepEqual(await knownInputs(large, [tree], { signal }), { bytes: MAX_ROOT_BYTES + 1, blocks: 3 });
});

test('a node has time for bytes and for blocks, and to unpack an image', () => {
  const none = { bytes: 0, blocks: 0 };
  assert.equal(fetchSeconds(none, none), 0);
  assert.equal(fetchSeconds({ bytes: 10 * FETCH_BYTES_PER_SECOND, blocks: 5 * FETCH_BLOCKS_PER_SECOND }, none), 15);
  // What is unpacked is fetched first.
  const image = { bytes: 300_000_000, blocks: 2 * FETCH_BLOCKS_PER_SECOND };
  assert.equal(fetchSeconds(none, image), fetchSeconds(image, none) + 300_000_000 / UNPACK_BYTES_PER_SECOND);
});
