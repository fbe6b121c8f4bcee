import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { inTheWay } from './in-the-way.ts';

test('finds what is no place to mount at', (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'gadus-way-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const folder of ['work', 'inputs/x']) mkdirSync(path.join(root, folder), { recursive: true });
  for (const file of ['tmp', 'data', 'inputs/f']) writeFileSync(path.join(root, file), '');
  symlinkSync('tmp', path.join(root, 'loop'));
  const places = (targets: Record<string, boolean>) => inTheWay(root, Object.entries(targets).map(([target, directory]) => ({ target, directory })));
  assert.deepEqual(places({ '/work': true, '/work/deep/er': true, '/inputs/f': false, '/inputs/new': false, '/absent/x': false }), []);
  assert.deepEqual(places({ '/tmp': true, '/tmp/x': true, '/data/a/b': false, '/inputs/x': false, '/loop': true, '/inputs/f': true }), ['/data', '/inputs/f', '/inputs/x', '/loop', '/tmp']);
});
