import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PLAIN_TERMS, type JobRequest, type JobState } from '../protocol/index.ts';
import { nextClientAction, type LocalJob } from './next-action.ts';

const ZERO = `0x${'00'.repeat(32)}` as const;
const seat = (n: number) => ({ node: `0x${String(n).padStart(40, '0')}` as const, price: 1n, commitment: ZERO });
const request: JobRequest = {
  client: seat(9).node, nonce: 1n, specDigest: ZERO, replicas: 3, policy: 0, maxPrice: 1n, stake: 1n, minScore: 0,
  assignWindow: 100, commitWindow: 100, settleWindow: 100, disputeWindow: 100, sealKey: ZERO, secretHash: ZERO, ...PLAIN_TERMS,
};
const rostered = { request, since: 1000, roster: [seat(0), seat(1), seat(2)], committed: 0b111 };
const nothing: LocalJob = { bids: 0, bidWaitOver: false, commitments: 0, examined: 0, set: 'given-up', overruled: false };
const next = (job: JobState | undefined, local: Partial<LocalJob>, now = 1001, head = 100n) => nextClientAction(job, { ...nothing, ...local }, now, head);

test('Open: assigns once there are bids, time was given, and the seed is mined', () => {
  const job: JobState = { state: 'Open', request, since: 1000, seedBlock: 50n };
  const ready = { bids: 3, bidWaitOver: true };
  assert.equal(next(undefined, {}), 'submit');
  assert.equal(next(job, ready), 'assign');
  assert.equal(next(job, { ...ready, bids: 2 }), 'wait');
  assert.equal(next(job, { ...ready, bidWaitOver: false }), 'wait');
  assert.equal(next(job, ready, 1001, 49n), 'wait');
  assert.equal(next(job, {}, 1102), 'expire');
});

test('Assigned: carries all commitments at once, some when it is getting late', () => {
  const job: JobState = { ...rostered, state: 'Assigned', committed: 0b001 };
  assert.equal(next(job, { commitments: 0b010 }), 'wait');
  assert.equal(next(job, { commitments: 0b110 }), 'commit');
  assert.equal(next(job, { commitments: 0b010 }, 1051), 'commit');
  assert.equal(next(job, { commitments: 0b001 }, 1051), 'wait');
  assert.equal(next(job, {}, 1102), 'expire');
});

test('Assigned: with all commitments at hand it has the set signed, examines, and settles in one message', () => {
  const job: JobState = { ...rostered, state: 'Assigned', committed: 0 };
  const ready = { commitments: 0b111, set: 'none' as const };
  assert.equal(next(job, { ...ready, commitments: 0b011 }), 'wait');
  assert.equal(next(job, ready), 'close');
  assert.equal(next(job, { ...ready, set: 'signed', examined: 0b011 }), 'examine');
  assert.equal(next(job, { ...ready, set: 'signed', examined: 0b111 }), 'settle-direct');
  assert.equal(next(job, { ...ready, set: 'given-up' }), 'commit');
  assert.equal(next({ ...job, committed: 0b001 }, { ...ready, set: 'signed', examined: 0b111 }), 'commit');
  assert.equal(next(job, { ...ready, set: 'signed', examined: 0b111 }, 1061), 'commit');
});

test('Committed: the signed set takes the place of other commitments', () => {
  const job: JobState = { ...rostered, state: 'Committed', opened: 0 };
  assert.equal(next(job, { set: 'signed', overruled: true, examined: 0b111 }), 'commit-set');
  assert.equal(next({ ...job, committed: 0b011 }, { set: 'signed', overruled: true, examined: 0b011 }), 'settle');
});

test('Committed: examines, settles with all evidence or when time runs short, leaves the judgement to the contract when late', () => {
  const job: JobState = { ...rostered, state: 'Committed', opened: 0 };
  assert.equal(next(job, { examined: 0b011 }), 'examine');
  assert.equal(next(job, { examined: 0b111 }), 'settle');
  assert.equal(next(job, { examined: 0b011 }, 1051), 'settle');
  assert.equal(next(job, { examined: 0b111 }, 1101), 'wait');
  assert.equal(next({ ...job, opened: 0b111 }, {}, 1101), 'resolve');
  assert.equal(next(job, {}, 1201), 'resolve');
});

test('from every state there comes a time when the client acts or is done', () => {
  const states: JobState[] = [
    { state: 'Open', request, since: 1000, seedBlock: 1n }, { ...rostered, state: 'Assigned' }, { ...rostered, state: 'Committed', opened: 0 },
    { ...rostered, state: 'Contestable', agreed: 0b001, shard: 0 }, { ...rostered, state: 'Contested', agreed: 0b001, shard: 0, contested: 0b010, opened: 0 },
    { state: 'Settled', request, roster: rostered.roster, verdicts: [], since: 1000 }, { state: 'Cancelled', request, since: 1000 }, { state: 'Expired', request, since: 1000 },
  ];
  for (const job of states) assert.notEqual(next(job, {}, 9_999_999), 'wait', job.state);
});
