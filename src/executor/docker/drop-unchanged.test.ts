import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { dropUnchanged } from './drop-unchanged.ts';

test('what an image has at a place and a job did not touch is no output', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'gadus-unchanged-'));
  t.after(() => rm(directory, { recursive: true }));
  const [image, written] = [path.join(directory, 'image'), path.join(directory, 'written')];
  for (const folder of ['kept/deep', 'grown', 'gone']) await mkdir(path.join(image, folder), { recursive: true });
  for (const name of ['a', 'b', 'kept/deep/c', 'grown/d', 'gone/e']) await writeFile(path.join(image, name), name);
  await symlink('a', path.join(image, 'link'));
  await cp(image, written, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  // Those of folders are not preserved, and may fall into another second.
  for (const folder of ['kept/deep', 'kept', 'grown', 'gone']) {
    const { atime, mtime } = await stat(path.join(image, folder));
    await utimes(path.join(written, folder), atime, mtime);
  }
  await rm(path.join(written, 'gone'), { recursive: true });
  await rm(path.join(written, 'b'));
  await mkdir(path.join(written, 'b'));
  await writeFile(path.join(written, 'b/inside'), 'x');
  await writeFile(path.join(written, 'grown/new'), 'new');
  await writeFile(path.join(written, 'a'), 'longer than before');
  assert.equal(await dropUnchanged(written, image), true);
  assert.deepEqual((await readdir(written, { recursive: true })).filter((name) => name !== 'link').sort(), ['a', 'b', 'b/inside', 'grown', 'grown/new']);
});
