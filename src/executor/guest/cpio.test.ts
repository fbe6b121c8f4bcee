import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeCpio } from './cpio.ts';

/** Reads an archive as the kernel does. */
function readCpio(archive: Buffer): { path: string; mode: number; data: string }[] {
  const entries = [];
  for (let at = 0; ;) {
    assert.equal(archive.toString('latin1', at, at + 6), '070701');
    const field = (i: number) => Number.parseInt(archive.toString('latin1', at + 6 + 8 * i, at + 14 + 8 * i), 16);
    const path = archive.toString('utf8', at + 110, at + 110 + field(11) - 1);
    const start = Math.ceil((at + 110 + field(11)) / 4) * 4;
    if (path === 'TRAILER!!!') return entries;
    entries.push({ path, mode: field(1), data: archive.toString('utf8', start, start + field(6)) });
    at = Math.ceil((start + field(6)) / 4) * 4;
  }
}

test('an archive holds its entries, their directories first and once', () => {
  const archive = writeCpio([
    { path: 'init', mode: 0o755, data: Buffer.from('#!/bin/x') },
    { path: 'a/b/c', mode: 0o644, data: Buffer.from('xyz') },
    { path: 'a/b/empty', mode: 0o600, data: new Uint8Array(0) },
  ]);
  assert.deepEqual(readCpio(archive), [
    { path: 'init', mode: 0o100755, data: '#!/bin/x' },
    { path: 'a', mode: 0o040755, data: '' },
    { path: 'a/b', mode: 0o040755, data: '' },
    { path: 'a/b/c', mode: 0o100644, data: 'xyz' },
    { path: 'a/b/empty', mode: 0o100600, data: '' },
  ]);
  assert.equal(archive.length % 4, 0);
});
