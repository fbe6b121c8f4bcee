import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until } from '../../../test/until.ts';
import { MAX_NOTED_FILES } from '../constants.ts';
import { removeTree } from './remove-tree.ts';
import { noteOutputs } from './output-notes.ts';

const INTERVAL_MS = 5;

describe('noteOutputs', () => {
  let dir: string;
  before(async () => { dir = await mkdtemp(join(tmpdir(), 'gadus-notes-')); });
  after(() => rm(dir, { recursive: true }));

  /** Notes what happens to an output; every act is seen by at least one note. */
  async function watch(name: string, acts: ((root: string) => Promise<unknown>)[]) {
    const root = join(dir, name);
    await mkdir(root);
    const startedAt = performance.now();
    const taker = noteOutputs([{ name: 'out', root, below: '' }, { name: 'deep', root, below: 'a/b' }], startedAt, INTERVAL_MS);
    for (const act of acts) {
      await act(root);
      // The look under way may have begun before.
      const { looks } = taker;
      await until('it was looked at', () => taker.looks > looks + 1);
    }
    return taker.stop();
  }

  it('sees files grow, shrink and appear, by their path in the result', async () => {
    const { t, files } = await watch('grows', [
      (root) => writeFile(join(root, 'x'), '12345'),
      (root) => appendFile(join(root, 'x'), '678'),
      (root) => truncate(join(root, 'x'), 2),
      async (root) => { await mkdir(join(root, 'a/b'), { recursive: true }); await writeFile(join(root, 'a/b/y'), 'abc'); },
    ]);
    assert.ok(t.every((now, i) => now > (t[i - 1] ?? 0)));
    const seen = (path: string) => [...new Set(files.find((file) => file.path === path)!.lengths)].filter((length) => length > 0);
    assert.deepEqual(seen('out/x'), [5, 8, 2]);
    assert.deepEqual([seen('out/a/b/y'), seen('deep/y')], [[3], [3]]);
    assert.ok(files.every(({ lengths }) => lengths.length === t.length));
  });

  it('follows no link, neither as a file nor on the way', async () => {
    await mkdir(join(dir, 'secret/b'), { recursive: true });
    await writeFile(join(dir, 'secret/b/key'), 'secret');
    const { files } = await watch('links', [async (root) => {
      await symlink(join(dir, 'secret'), join(root, 'a'));
      await symlink(join(dir, 'secret/b/key'), join(root, 'k'));
      await writeFile(join(root, 'z'), 'z');
    }]);
    assert.deepEqual(files.map(({ path }) => path), ['out/z']);
  });

  it('takes no note of more files than it may look at', async () => {
    const { t, files } = await watch('many', [(root) => Promise.all(Array.from({ length: MAX_NOTED_FILES + 1 }, (_, i) => mkdir(join(root, String(i)))))]);
    assert.ok(t.length <= 1);
    assert.deepEqual(files, []);
  });

  it('keeps few descriptors, however deep directories lie in one another', async () => {
    let most = 0;
    const counting = setInterval(() => { most = Math.max(most, readdirSync('/proc/self/fd').length); }, 1);
    const before = readdirSync('/proc/self/fd').length;
    try {
      const { t, files } = await watch('nested', [async (root) => { execFileSync('perl', ['-e', 'chdir $ARGV[0]; for (1 .. 700) { mkdir "d"; chdir "d" }', root]); }]);
      assert.ok(t.length <= 1);
      assert.deepEqual(files, []);
    } finally {
      clearInterval(counting);
      await removeTree(join(dir, 'nested'));
    }
    assert.ok(most < before + 2 * MAX_NOTED_FILES + 50, `${most} descriptors, ${before} before`);
  });
});
