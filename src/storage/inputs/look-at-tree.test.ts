import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../storage.test-util.ts';
import { LOOKED_AT_WITHOUT_THREAD } from '../constants.ts';
import { glanceAtTree, lookAtTree } from './look-at-tree.ts';

test('a folder is the same for whoever looks, by a thread or not, until something in it changes; a glance sees that of a small one', async (t) => {
  const dir = await tempDir(t);
  for (const count of [3, LOOKED_AT_WITHOUT_THREAD + 1]) {
    const root = join(dir, String(count));
    mkdirSync(join(root, 'below'), { recursive: true, mode: 0o755 });
    for (let i = 0; i < count; i++) writeFileSync(join(root, i % 2 === 0 ? '.' : 'below', String(i)), 'x', { mode: 0o644 });
    const before = (await lookAtTree(root))!;
    assert.match(before, /^[0-9a-f]{64}$/);
    assert.deepEqual(await Promise.all([lookAtTree(root), lookAtTree(root), glanceAtTree(root, before)]), [before, before, before]);
    writeFileSync(join(root, 'below', '1'), 'other', { mode: 0o644 });
    assert.notEqual(await lookAtTree(root), before);
    writeFileSync(join(root, 'hidden'), 'x', { mode: 0o600 });
    assert.equal(await lookAtTree(root), undefined, 'not for everybody');
  }
});
