import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { removeTree } from './remove-tree.ts';

/** Makes directories in one another, with a file and a link on every level and one name that is no UTF-8. */
function nest(directory: string, depth: number): void {
  execFileSync('perl', ['-e', 'chdir $ARGV[0]; for (1 .. $ARGV[1]) { open F, ">", "f"; symlink "/", "l"; mkdir "n" x 9; mkdir "\\xff"; chdir "n" x 9 }', directory, String(depth)]);
}

test('a tree deeper than any path is removed, and nothing that its links name', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'gadus-remove-'));
  const beside = path.join(directory, 'beside');
  mkdirSync(path.join(directory, 'tree'));
  writeFileSync(beside, '');
  nest(path.join(directory, 'tree'), 450);
  // Two at once, as after a crash.
  await Promise.all([removeTree(path.join(directory, 'tree')), removeTree(path.join(directory, 'tree'))]);
  assert.ok(!existsSync(path.join(directory, 'tree')) && existsSync(beside));
  await removeTree(beside);
  await removeTree(beside);
  rmdirSync(directory);
});
