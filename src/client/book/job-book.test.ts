import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { JobBook } from './job-book.ts';
import type { JobRecord } from './job-record.ts';

let dir: string;
before(async () => { dir = await mkdtemp(join(tmpdir(), 'gadus-book-')); });
after(() => rm(dir, { recursive: true }));

const job = (id: string, createdAt: number): JobRecord => ({
  jobId: `0x${id.padEnd(64, '0')}`, createdAt, events: [], bids: [], commitments: {}, before: {}, after: {}, gas: {}, timingsMs: {},
} as unknown as JobRecord);

test('a book has what was written in it, newest first, for whoever opens it', async () => {
  const book = await JobBook.open(dir);
  assert.deepEqual(book.list(), []);
  for (const [id, createdAt] of [['ab1', 1], ['ab2', 3], ['cd', 2]] as const) await book.put(job(id, createdAt));
  for (const one of [book, await JobBook.open(dir)]) {
    assert.deepEqual(one.list().map(({ createdAt }) => createdAt), [3, 2, 1]);
    assert.equal(one.find('0xab1').createdAt, 1);
    assert.equal(one.find('CD').createdAt, 2);
    assert.equal(one.stateOf(one.find('cd')), undefined);
    assert.throws(() => one.find('ab'), { code: 'JOB_UNKNOWN', shortMessage: /ambiguous/ });
    assert.throws(() => one.find('ef'), { code: 'JOB_UNKNOWN', shortMessage: /no such job/ });
  }
});

test('what the chain says is written to the newest record there is, and by nobody while another process carries the job', async () => {
  const event = (n: number) => ({ type: 'Expired', n }) as unknown as JobRecord['events'][number];
  const [carrier, other] = [await JobBook.open(dir), await JobBook.open(dir)];
  const record = carrier.find('cd');
  const stale = other.find('cd');
  const { jobId } = record;
  assert.ok(await carrier.claims.take(jobId));
  record.name = 'known to who carries it';
  await carrier.put(record);
  record.name = 'not written down yet';
  await other.note(stale, [event(1)]);
  assert.deepEqual([stale.name, stale.events.length], ['known to who carries it', 1]);
  assert.equal((await JobBook.open(dir)).find('cd').events.length, 0, 'it is not the other\'s to write');
  await carrier.note(record, [event(1), event(2)]);
  assert.deepEqual([record.name, record.events.length], ['not written down yet', 2], 'nor is what it knows taken from who carries it');
  await carrier.claims.release(jobId);
  // Nobody carries it now, and the other's record is old.
  await other.note(stale, [event(1), event(2), event(3)]);
  const { name, events } = (await JobBook.open(dir)).find('cd');
  assert.deepEqual([name, events.length], ['not written down yet', 3]);
  assert.ok(await carrier.claims.isFree(jobId));
});
