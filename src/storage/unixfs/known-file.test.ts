import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CID } from 'multiformats/cid';
import { LocalBlocks } from '../blocks/local-blocks.ts';
import { Catalogue } from '../shelf/catalogue.ts';
import { tempDir } from '../storage.test-util.ts';
import { importPath } from './import-tree.ts';

const SMALL_FILES = 100;

async function start(t: TestContext) {
  const dir = await tempDir(t);
  const blocks = new LocalBlocks(join(dir, 'blocks'));
  const catalogue = new Catalogue(join(dir, 'catalogue'));
  await blocks.open();
  await catalogue.open();
  t.after(async () => {
    await blocks.close();
    await catalogue.close();
  });
  const source = join(dir, 'source');
  await mkdir(join(source, 'many'), { recursive: true });
  for (let i = 0; i < SMALL_FILES; i++) await writeFile(join(source, 'many', `file-${i}`), `file ${i}`);
  await writeFile(join(source, 'big'), randomBytes(3_500_000));
  await writeFile(join(source, 'one-block'), randomBytes(500_000));
  const add = () => importPath(blocks, source, { catalogue });
  /** A copying add, which reads everything. */
  const others = new LocalBlocks(join(dir, 'others'));
  await others.open();
  t.after(() => others.close());
  const copied = () => importPath(others, source).then(({ cid }) => cid.toString());
  const paths = ['big', 'one-block', ...Array.from({ length: SMALL_FILES }, (_, i) => `many/file-${i}`)];
  /** Which were read again: each reading has an id of its own. */
  const ids = async () => new Map(await Promise.all(paths.map(async (path) => [path, (await catalogue.fileAt(join(source, path)))!.id] as const)));
  const readSince = async (before: Map<string, number>) => [...await ids()].filter(([path, id]) => before.get(path) !== id).map(([path]) => path).sort();
  return { dir, blocks, catalogue, source, add, copied, ids, readSince };
}

const facts = ({ cid, ...rest }: { cid: CID }) => ({ ...rest, cid: cid.toString() });

test('what did not change is not read again, and the outcome is the same', async (t) => {
  const { add, ids, readSince, source, copied } = await start(t);
  const first = await add();
  const before = await ids();
  assert.deepEqual(facts(await add()), facts(first));
  assert.deepEqual(await readSince(before), []);

  await writeFile(join(source, 'many', 'file-7'), 'file X');
  await writeFile(join(source, 'many', 'new'), 'new');
  await writeFile(join(source, 'draft'), randomBytes(3_500_000));
  // A file in the place of another, of the same size.
  await rename(join(source, 'draft'), join(source, 'big'));
  const second = await add();
  assert.equal(second.cid.toString(), await copied());
  assert.deepEqual(await readSince(before), ['big', 'many/file-7']);
  assert.deepEqual(facts(await add()), facts(second));
});

test('what is missing or damaged above the leaves, or was found to be other than it was read, is read again', async (t) => {
  const { add, ids, readSince, source, blocks, catalogue } = await start(t);
  const first = facts(await add());
  const [root] = (await catalogue.fileAt(join(source, 'big')))!.roots;
  const cid = CID.parse(root!);

  let before = await ids();
  assert.equal((await blocks.sweep([cid])).length, 1);
  assert.deepEqual(facts(await add()), first);
  assert.deepEqual(await readSince(before), ['big']);
  assert.ok(await blocks.has(cid));

  before = await ids();
  await blocks.put(cid, new Uint8Array(10), { replace: true });
  assert.deepEqual(facts(await add()), first);
  assert.deepEqual(await readSince(before), ['big']);

  before = await ids();
  for (const path of ['many/file-3', 'one-block', 'big']) await catalogue.distrust(join(source, path));
  assert.deepEqual(facts(await add()), first);
  assert.deepEqual(await readSince(before), ['big', 'many/file-3', 'one-block']);
  before = await ids();
  await add();
  assert.deepEqual(await readSince(before), []);
});

test('a file alone is known as well, and one that has gone is not missed', async (t) => {
  const { source, blocks, catalogue, add, copied } = await start(t);
  const big = join(source, 'big');
  const first = await importPath(blocks, big, { catalogue });
  const { id } = (await catalogue.fileAt(big))!;
  assert.deepEqual(facts(await importPath(blocks, big, { catalogue })), facts(first));
  assert.equal((await catalogue.fileAt(big))!.id, id);
  await add();
  await rm(big);
  assert.equal((await add()).cid.toString(), await copied());
});
