import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { RuntimeCounts } from './runtime-counts.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'gadus-counts-'));
const fd = openSync(path.join(directory, 'counts'), 'w+');
after(() => {
  closeSync(fd);
  rmSync(directory, { recursive: true });
});
const write = (...words: number[]) => writeSync(fd, new Uint8Array(Float64Array.from(words).buffer), 0, 8 * words.length, 0);

test('takes a whole record, and keeps the last one where the next is cut in two, too short or no count', () => {
  const counts = new RuntimeCounts(fd);
  assert.equal(counts.read(), false);
  assert.deepEqual([...counts.values], [0, 0, 0, 0, 0, 0]);
  write(1, 10, 20, 30, 40, 50, 60, 1);
  assert.equal(counts.read(), true);
  for (const record of [[2, 11, 21, 31, 40, 50, 60, 1], [2, -1, 20, 30, 40, 50, 60, 2], [2, 10, Number.NaN, 30, 40, 50, 60, 2], [2, 10, 20, Infinity, 40, 50, 60, 2]]) {
    write(...record);
    assert.equal(counts.read(), false, String(record));
    assert.deepEqual([...counts.values], [10, 20, 30, 40, 50, 60]);
  }
  write(3, 11, 21, 31, 41, 51, 61, 3);
  assert.equal(counts.read(), true);
  assert.deepEqual([...counts.values], [11, 21, 31, 41, 51, 61]);
});
