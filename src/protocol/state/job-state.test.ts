import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { advance, amend, deadlineOf, isFinal, openingsIn, replay, type JobEvent } from './job-state.ts';
import { PLAIN_TERMS, type JobRequest } from '../statements/statements.ts';

const ZERO = `0x${'00'.repeat(32)}` as const;
const node = (n: number) => `0x${String(n).padStart(40, '0')}` as const;
const request: JobRequest = {
  client: node(9), nonce: 1n, specDigest: ZERO, replicas: 3, policy: 0, maxPrice: 1n, stake: 1n, minScore: 0,
  assignWindow: 10, commitWindow: 20, settleWindow: 30, disputeWindow: 40, sealKey: ZERO, secretHash: ZERO, ...PLAIN_TERMS,
};
let place = 0;
type Bare = JobEvent extends infer E ? (E extends JobEvent ? Omit<E, 'jobId' | 'at' | 'blockHash' | 'logIndex'> : never) : never;
const event = (bare: Bare, at = 1000): JobEvent => ({ ...bare, jobId: ZERO, at, blockHash: ZERO, logIndex: place++ }) as JobEvent;

const submitted = event({ type: 'Submitted', request, seedBlock: 7n });
const assigned = event({ type: 'Assigned', roster: [0, 1, 2].map((n) => ({ node: node(n), price: 1n })) }, 1001);
const commitments = [0, 1, 2].map((index) => event({ type: 'CommitmentPosted', index, commitment: `0x${String(index + 1).padStart(64, '0')}` }));
const closed = event({ type: 'CommitmentsClosed', committed: 0b111 }, 1002);
const opening = { resultDigest: ZERO, evidenceDigest: ZERO, salt: ZERO, sketch: '0x01', proof: [] } as const;

test('the happy path', () => {
  const job = replay([submitted, assigned, ...commitments, closed, event({ type: 'Settled', verdicts: ['agreed', 'agreed', 'agreed'] })]);
  assert.equal(job?.state, 'Settled');
  assert.ok(isFinal(job!));
});

test('a contested verdict, and openings in order of seat', () => {
  const events = [
    submitted, assigned, ...commitments, closed, event({ type: 'VerdictPosted', agreed: 0b101, shard: 0 }, 1003), event({ type: 'VerdictContested', index: 1 }, 1004),
    event({ type: 'SketchOpened', index: 1, opening }), event({ type: 'SketchOpened', index: 0, opening }),
  ];
  const job = replay(events);
  assert.ok(job?.state === 'Contested');
  assert.equal(job.contested, 0b010);
  assert.equal(job.opened, 0b011);
  assert.deepEqual(openingsIn(events).map(({ index }) => index), [0, 1]);
});

test('deadlines follow the window of each state', () => {
  assert.equal(deadlineOf(replay([submitted])!), 1010);
  assert.equal(deadlineOf(replay([submitted, assigned])!), 1021);
  assert.equal(deadlineOf(replay([submitted, assigned, ...commitments, closed])!), 1032);
  assert.equal(deadlineOf(replay([submitted, event({ type: 'Cancelled' })])!), undefined);
});

test('verdicts cover every seat though the log leaves out undecided ones at the end', () => {
  const job = replay([submitted, assigned, ...commitments, closed, event({ type: 'Settled', verdicts: ['agreed'] })]);
  assert.deepEqual(job?.state === 'Settled' ? job.verdicts : [], ['agreed', 'undecided', 'undecided']);
});

test('impossible edges are typed errors, whatever the order of events', () => {
  const all = [submitted, assigned, ...commitments, closed, event({ type: 'VerdictPosted', agreed: 1, shard: 0 }), event({ type: 'VerdictContested', index: 1 }),
    event({ type: 'SketchOpened', index: 1, opening }), event({ type: 'Settled', verdicts: [] }), event({ type: 'Cancelled' }), event({ type: 'Expired' })];
  fc.assert(fc.property(fc.array(fc.constantFrom(...all), { maxLength: 12 }), (events) => {
    let job;
    for (const one of events) {
      const before = job;
      try {
        job = advance(job, one);
        if (before !== undefined) assert.ok(!isFinal(before), 'nothing follows a final state');
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'TRANSITION_INVALID');
      }
    }
  }));
});

test('a reorganisation takes events back; the same event twice counts once', () => {
  const events = amend([submitted, assigned], commitments[0]!, false);
  assert.deepEqual(amend(events, commitments[0]!, false), events);
  assert.deepEqual(amend(events, commitments[0]!, true), [submitted, assigned]);
});

test('a signed set: settled out of Assigned, posted alone, and in the place of other commitments', () => {
  const set = [7, 8, 9].map((n) => `0x${String(n).padStart(64, '0')}` as const);
  const direct = replay([submitted, assigned, event({ type: 'Settled', verdicts: ['agreed', 'agreed', 'agreed'] })]);
  assert.equal(direct?.state, 'Settled');
  const posted = event({ type: 'SetPosted', commitments: set }, 1010);
  const alone = replay([submitted, assigned, commitments[1]!, posted]);
  assert.ok(alone?.state === 'Committed');
  assert.deepEqual([alone.committed, alone.since, alone.roster.map(({ commitment }) => commitment)], [0b111, 1010, set]);
  const overriding = replay([submitted, assigned, ...commitments, closed, posted]);
  assert.ok(overriding?.state === 'Committed');
  assert.equal(overriding.since, 1002, 'no time is won');
  assert.deepEqual(overriding.roster.map(({ commitment }) => commitment), set);
  assert.throws(() => replay([submitted, assigned, event({ type: 'SetPosted', commitments: set.slice(1) })]), { code: 'TRANSITION_INVALID' });
});

test('equivocation is noted and kept through the verdict', () => {
  const job = replay([submitted, assigned, ...commitments, closed, event({ type: 'EquivocationProven', index: 1 }), event({ type: 'VerdictPosted', agreed: 0b001, shard: 0 })]);
  assert.ok(job?.state === 'Contestable');
  assert.equal(job.equivocated, 0b010);
  assert.throws(() => replay([submitted, assigned, event({ type: 'EquivocationProven', index: 1 })]), { code: 'TRANSITION_INVALID' });
});
