import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { REMOVED_WITHOUT_THREAD } from '../constants.ts';
import { tempDir } from '../storage.test-util.ts';
import { removeTree } from './remove-tree.ts';

test('files, links, small and large folders go, and nothing beside them; what is not there is no matter', async (t) => {
  const dir = await tempDir(t);
  mkdirSync(join(dir, 'stays'));
  writeFileSync(join(dir, 'stays', 'file'), 'x');
  writeFileSync(join(dir, 'file'), 'x');
  symlinkSync('stays', join(dir, 'link'));
  for (const [name, count] of [['small', 5], ['large', REMOVED_WITHOUT_THREAD]] as const) {
    mkdirSync(join(dir, name, 'a', 'b'), { recursive: true });
    for (let i = 0; i < count; i++) writeFileSync(join(dir, name, 'a', 'b', String(i)), '');
    symlinkSync('../stays', join(dir, name, 'out'));
  }
  for (const name of ['file', 'link', 'small', 'large', 'nothing']) await removeTree(join(dir, name));
  assert.deepEqual(await readdir(dir, { recursive: true }), ['stays', 'stays/file']);
});
