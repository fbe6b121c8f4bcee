import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Exhibit } from '../exhibit.ts';
import { confront } from './confront.ts';

test('a folder for temporary files that is gone is said at once, by name; nothing was fetched', async (t) => {
  const before = process.env.TMPDIR;
  const gone = await mkdtemp(join(tmpdir(), 'gadus-gone-'));
  await rm(gone, { recursive: true });
  t.after(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  process.env.TMPDIR = gone;
  const exhibit = { seat: 0, evidence: { resultCid: 'bafkqaaa', profile: { bytes: 10 } }, windows: { leaves: [] } } as unknown as Exhibit;
  const storage = { connect: () => assert.fail('connected'), export: () => assert.fail('fetched') };
  await assert.rejects(confront(storage, [], [exhibit], new AbortController().signal), (error: { code: string; message: string; hint: string }) => {
    assert.equal(error.code, 'NO_SCRATCH');
    assert.ok(error.message.includes(gone));
    assert.match(error.hint, /TMPDIR/);
    return true;
  });
});
