import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobState } from '../../protocol/index.ts';
import { rostered, sampleRequest as request, seat } from '../../protocol/statements/sample-job.test-util.ts';
import { nextNodeAction, type LocalReplica } from './next-action.ts';

const me: LocalReplica = { seat: 1, ready: true, contests: true, closed: false, overruled: false, round: 0, posts: false, summons: true, majority: true, newcomers: 0, guilty: 0 };
const next = (job: JobState, local: Partial<LocalReplica>, now: number) => nextNodeAction(job, { ...me, ...local }, now, 100n);

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

const WIDENING = { caller: seat(9).node, audit: true, lapsed: false };

test('Open: carries its own bid to the chain once the seed is known, if it is to', () => {
  const job: JobState = { state: 'Open', request, since: 1000, seedBlock: 50n };
  assert.equal(next(job, { seat: -1 }, 1001), 'wait');
  assert.equal(next(job, { seat: -1, posts: true }, 1001), 'post-bid');
  assert.equal(nextNodeAction({ ...job, seedBlock: 101n }, { ...me, seat: -1, posts: true }, 1001, 100n), 'wait');
});

test('Widening: who was passed over bids again, who has a seat draws if the client does not', () => {
  const job: JobState = { ...rostered, state: 'Widening', seedBlock: 50n, widening: WIDENING };
  assert.equal(next(job, { seat: -1 }, 1001), 'bid-again');
  assert.equal(next(job, { seat: -1, round: 1 }, 1001), 'wait');
  assert.equal(next(job, { seat: -1, round: 1, posts: true }, 1001), 'post-bid');
  assert.equal(next(job, { newcomers: 4 }, 1049), 'wait');
  assert.equal(next(job, { newcomers: 4 }, 1051), 'draw-more');
  assert.equal(next(job, { newcomers: 3 }, 1051), 'wait');
  assert.equal(next(job, {}, 1106), 'expire');
  assert.equal(next(job, { seat: -1, round: 1 }, 1106), 'finish');
});

test('no majority among the opened: a panel, if the client calls none in half of the time', () => {
  const job: JobState = { ...rostered, state: 'Contested', agreed: 0, shard: 0, contested: 0b111, opened: 0b111 };
  assert.equal(next(job, {}, 1001), 'resolve');
  assert.equal(next(job, { majority: false }, 1001), 'wait');
  assert.equal(next(job, { majority: false }, 1151), 'summon');
  assert.equal(next(job, { majority: false, summons: false }, 1151), 'wait');
  assert.equal(next(job, { majority: false }, 1206), 'resolve');
});

test('what convicts a seat is sent at once', () => {
  assert.equal(next({ ...rostered, state: 'Committed', opened: 0 }, { guilty: 0b001 }, 1001), 'convict');
});
