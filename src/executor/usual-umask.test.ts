import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { takeUsualUmask } from './usual-umask.ts';

test('what is made is for everybody to read, whoever started the process', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'gadus-umask-'));
  const before = process.umask(0o077);
  try {
    takeUsualUmask();
    writeFileSync(path.join(directory, 'file'), '');
    mkdirSync(path.join(directory, 'folder'));
    assert.deepEqual(['file', 'folder'].map((name) => statSync(path.join(directory, name)).mode & 0o777), [0o644, 0o755]);
  } finally {
    process.umask(before);
    rmSync(directory, { recursive: true });
  }
});
