import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PLAIN_TERMS, type JobRequest, type JobState } from '../protocol/index.ts';
import { nextNodeAction, type LocalReplica } from './next-action.ts';

const ZERO = `0x${'00'.repeat(32)}` as const;
const seat = (n: number) => ({ node: `0x${String(n).padStart(40, '0')}` as const, price: 1n, commitment: ZERO });
const request: JobRequest = {
  client: seat(9).node, nonce: 1n, specDigest: ZERO, replicas: 3, policy: 0, maxPrice: 1n, stake: 1n, minScore: 0,
  assignWindow: 100, commitWindow: 100, settleWindow: 100, disputeWindow: 100, sealKey: ZERO, secretHash: ZERO, ...PLAIN_TERMS,
};
const rostered = { request, since: 1000, roster: [seat(0), seat(1), seat(2)], committed: 0b111 };
const me: LocalReplica = { seat: 1, ready: true, contests: true, closed: false, overruled: false };
const next = (job: JobState, local: Partial<LocalReplica>, now: number) => nextNodeAction(job, { ...me, ...local }, now);

test('Assigned: runs, then waits for the client, then carries its own commitment, then ends the job', () => {
  const job: JobState = { ...rostered, state: 'Assigned', committed: 0b001 };
  assert.equal(next(job, { ready: false }, 1001), 'run');
  assert.equal(next(job, {}, 1001), 'wait');
  assert.equal(next(job, {}, 1075), 'post-commitment');
  assert.equal(next({ ...job, committed: 0b011 }, {}, 1075), 'wait');
  assert.equal(next(job, {}, 1101), 'wait');
  assert.equal(next(job, {}, 1106), 'expire');
  assert.equal(next(job, { seat: -1 }, 1001), 'finish');
});

test('a node that holds the signed set closes the job with it when the client does not, and when the chain has other commitments', () => {
  const assigned: JobState = { ...rostered, state: 'Assigned', committed: 0b010 };
  assert.equal(next(assigned, { closed: true }, 1069), 'wait');
  assert.equal(next(assigned, { closed: true }, 1070), 'post-set');
  const job: JobState = { ...rostered, state: 'Committed', opened: 0 };
  assert.equal(next(job, { closed: true, overruled: true }, 1050), 'post-set');
  assert.equal(next({ ...job, committed: 0b011 }, { closed: true, overruled: true }, 1050), 'wait');
  assert.equal(next(job, { closed: true, overruled: true }, 1101), 'open');
});

test('Committed: a silent client makes the node open, then ask for the judgement', () => {
  const job: JobState = { ...rostered, state: 'Committed', opened: 0 };
  assert.equal(next(job, {}, 1050), 'wait');
  assert.equal(next(job, {}, 1101), 'open');
  assert.equal(next({ ...job, opened: 0b010 }, {}, 1101), 'wait');
  assert.equal(next({ ...job, opened: 0b111 }, {}, 1101), 'resolve');
  assert.equal(next({ ...job, opened: 0b010 }, {}, 1206), 'resolve');
});

test('Contestable: only the rejected defend themselves, and only in time', () => {
  const job: JobState = { ...rostered, state: 'Contestable', agreed: 0b101, shard: 0 };
  assert.equal(next(job, {}, 1001), 'contest');
  assert.equal(next(job, { contests: false }, 1001), 'wait');
  assert.equal(next(job, { seat: 0 }, 1001), 'wait');
  assert.equal(next(job, {}, 1106), 'resolve');
});

test('Contested: everybody who committed opens', () => {
  const job: JobState = { ...rostered, state: 'Contested', agreed: 0b101, shard: 0, contested: 0b010, opened: 0b010 };
  assert.equal(next(job, { seat: 0 }, 1001), 'open');
  assert.equal(next(job, {}, 1001), 'wait');
  assert.equal(next({ ...job, opened: 0b111 }, {}, 1001), 'resolve');
});

test('from every state there comes a time when the node acts or is done', () => {
  const states: JobState[] = [
    { state: 'Open', request, since: 1000, seedBlock: 1n }, { ...rostered, state: 'Assigned' }, { ...rostered, state: 'Committed', opened: 0 },
    { ...rostered, state: 'Contestable', agreed: 0b001, shard: 0 }, { ...rostered, state: 'Contested', agreed: 0b001, shard: 0, contested: 0b010, opened: 0 },
    { state: 'Settled', request, roster: rostered.roster, verdicts: [], since: 1000 }, { state: 'Cancelled', request, since: 1000 }, { state: 'Expired', request, since: 1000 },
  ];
  for (const job of states) {
    for (const local of [{}, { seat: -1 }, { ready: false }, { contests: false }]) assert.notEqual(next(job, local, 9_999_999), 'wait', job.state);
  }
});
