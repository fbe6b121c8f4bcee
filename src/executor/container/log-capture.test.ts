import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { captureLog } from './log-capture.ts';

describe('captureLog', () => {
  let directory: string;
  before(() => { directory = mkdtempSync(path.join(tmpdir(), 'gadus-log-')); });
  after(() => rmSync(directory, { recursive: true }));

  test('keeps exactly the first bytes, however they are cut up', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }), fc.nat(300), async (chunks, limit) => {
      const file = path.join(directory, 'log');
      const seen: Uint8Array[] = [];
      const capture = captureLog(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), file, limit, (chunk) => seen.push(chunk));
      await capture.done;
      const all = Buffer.concat(chunks);
      assert.ok(readFileSync(file).equals(all.subarray(0, limit)));
      assert.ok(Buffer.concat(seen).equals(all.subarray(0, limit)));
      assert.deepEqual([capture.keptBytes, capture.cut], [Math.min(limit, all.length), all.length > limit]);
    }), { numRuns: 50 });
  });
});
