import assert from 'node:assert/strict';
import { mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startStorage } from '../storage.test-util.ts';
import { staysInside } from './symlink.ts';

test('targets that stay inside, and that may not', () => {
  const cases: [string, number, boolean][] = [
    ['a', 0, true], ['a/b', 0, true], ['./a', 0, true], ['../a', 1, true], ['../../a', 2, true], ['..', 1, true],
    ['../a', 0, false], ['../../a', 1, false], ['/a', 5, false], ['', 0, false], ['a/../b', 3, false], ['../a/../../b', 5, false],
    ['a\0b', 0, false], ['x'.repeat(5000), 0, false],
  ];
  for (const [target, depth, expected] of cases) assert.equal(staysInside(target, depth), expected, `${target} at ${depth}`);
});

test('links that stay inside a folder are added, listed and unpacked as links; others are left out', async (t) => {
  const { storage, dir } = await startStorage(t, { offline: true });
  const source = join(dir, 'source');
  await mkdir(join(source, 'a', 'b'), { recursive: true });
  await writeFile(join(source, 'file'), 'content');
  await symlink('../../file', join(source, 'a', 'b', 'up'));
  await symlink('a/b', join(source, 'down'));
  await symlink('../outside', join(source, 'out'));
  await symlink('a/../file', join(source, 'winding'));
  const { cid, skipped } = await storage.add(source);
  assert.equal(skipped, 2);
  assert.deepEqual((await storage.ls(cid)).map(({ name, type }) => [name, type]), [['a', 'directory'], ['down', 'symlink'], ['file', 'file']]);
  const copy = join(dir, 'copy');
  await storage.export(cid, copy);
  assert.equal(await readlink(join(copy, 'down')), 'a/b');
  assert.equal(await readFile(join(copy, 'down', 'up'), 'utf8'), 'content');
});
