import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobState } from '../../protocol/index.ts';
import { rostered, sampleRequest as request, seat } from '../../protocol/statements/sample-job.test-util.ts';
import { nextClientAction, type LocalJob } from './next-action.ts';

const nothing: LocalJob = { bids: 0, bidWaitOver: false, commitments: 0, examined: 0, set: 'given-up', overruled: false, unposted: 0, audited: false, panels: true, majority: true, hopeless: false, guilty: 0 };
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

const WIDENING = { caller: seat(9).node, audit: true, lapsed: false };

test('Open: waits until the blocks to post bids in are over', () => {
  const job: JobState = { state: 'Open', request: { ...request, bidBlocks: 3 }, since: 1000, seedBlock: 50n };
  assert.equal(next(job, { bids: 3, bidWaitOver: true }, 1001, 52n), 'wait');
  assert.equal(next(job, { bids: 3, bidWaitOver: true }, 1001, 53n), 'assign');
});

test('a single replica that is drawn for a check goes to the chain first, then to two more', () => {
  const alone = { request: { ...request, replicas: 1 }, since: 1000, roster: [seat(0)] };
  const assigned: JobState = { ...alone, state: 'Assigned', committed: 0 };
  assert.equal(next(assigned, { commitments: 1, set: 'none' }), 'close');
  assert.equal(next(assigned, { commitments: 1, set: 'none', audited: true }), 'commit', 'its evidence must not be asked for');
  const committed: JobState = { ...alone, state: 'Committed', committed: 1, opened: 0 };
  assert.equal(next(committed, { audited: true, examined: 1 }), 'audit');
  assert.equal(next({ ...committed, widening: { ...WIDENING, lapsed: true } }, { audited: true, examined: 1 }), 'settle', 'once only');
});

test('Widening: puts bids on chain, draws as soon as it may, gives up when time is over', () => {
  const job: JobState = { ...rostered, request, state: 'Widening', seedBlock: 50n, widening: WIDENING };
  assert.equal(next(job, { bids: 4 }, 1001, 49n), 'wait');
  assert.equal(next(job, { bids: 4, unposted: 4, bidWaitOver: true }, 1001, 50n), 'post-bids');
  assert.equal(next(job, { bids: 4 }, 1026, 52n), 'wait', 'three blocks after the seed');
  assert.equal(next(job, { bids: 4 }, 1025, 53n), 'wait', 'a quarter of the window');
  assert.equal(next(job, { bids: 4 }, 1026, 53n), 'draw-more');
  assert.equal(next(job, { bids: 3 }, 1026, 53n), 'wait');
  assert.equal(next(job, { bids: 3 }, 1102, 53n), 'expire');
  assert.equal(next(job, { bids: 3, hopeless: true }, 1001, 49n), 'expire', 'nobody can be drawn');
});

test('no majority among the opened: a panel while it may be called, then what the contract says', () => {
  const job: JobState = { ...rostered, state: 'Contested', agreed: 0, shard: 0, contested: 0b111, opened: 0b111 };
  assert.equal(next(job, {}), 'resolve');
  assert.equal(next(job, { majority: false }), 'summon');
  assert.equal(next(job, { majority: false, panels: false }), 'wait', 'somebody else may call one');
  assert.equal(next({ ...job, opened: 0b011 }, { majority: false }), 'wait');
  assert.equal(next(job, { majority: false }, 1203), 'resolve');
  assert.equal(next({ ...job, widening: WIDENING }, { majority: false }), 'resolve', 'there is one a job');
  const silent: JobState = { ...rostered, state: 'Committed', opened: 0b111 };
  assert.equal(next(silent, { majority: false }, 1101), 'summon');
});

test('what convicts a seat is sent before anything else', () => {
  const job: JobState = { ...rostered, state: 'Committed', opened: 0 };
  assert.equal(next(job, { guilty: 0b010, examined: 0b111 }), 'convict');
});
