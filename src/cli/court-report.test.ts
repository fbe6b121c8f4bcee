import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobRecord } from '../client/index.ts';
import type { JobEvent } from '../protocol/index.ts';
import { courtLines, courtReport } from './court-report.ts';

const node = (n: number) => `0x${String(n).padStart(40, '0')}` as const;
const seat = (n: number) => ({ node: node(n), price: 1n });
const at = { jobId: '0x01', at: 0, blockHash: '0x02', logIndex: 0 } as const;
const record = (replicas: number, events: JobEvent[], auditBps = 0): JobRecord => ({ request: { replicas }, events, auditBps }) as unknown as JobRecord;
const called = (audit: boolean): JobEvent => ({ ...at, type: 'WideningCalled', caller: node(9), audit, seedBlock: 1n });

test('a single replica that was drawn for a check: who ran it too', () => {
  const report = courtReport(record(1, [
    { ...at, type: 'Assigned', roster: [seat(1)] }, called(true), { ...at, type: 'Widened', roster: [seat(1), seat(2), seat(3)] },
    { ...at, type: 'EquivocationProven', index: 2 },
  ], 600));
  assert.deepEqual(report, {
    auditChance: 0.06, widening: { kind: 'audit', caller: node(9), outcome: 'drawn', newcomers: [node(2), node(3)] }, postedBids: [],
    convicted: [{ node: node(3), why: 'equivocation' }],
  });
  const lines = courtLines(report).join('\n');
  assert.match(lines, /6\.0 %/);
  assert.match(lines, /drawn for a check/);
  assert.match(lines, /contradict/);
});

test('a panel that nobody could be drawn for; a job that needed no court says nothing', () => {
  const report = courtReport(record(2, [{ ...at, type: 'Assigned', roster: [seat(1), seat(2)] }, called(false), { ...at, type: 'CommitmentsClosed', committed: 3 }]));
  assert.equal(report.widening?.outcome, 'nobody drawn');
  assert.deepEqual(courtLines(courtReport(record(3, [{ ...at, type: 'Assigned', roster: [seat(1), seat(2), seat(3)] }]))), []);
});
