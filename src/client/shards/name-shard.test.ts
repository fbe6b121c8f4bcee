import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hex } from 'viem';
import { runEvidence, runProfile, runTrace } from '../../evidence/test-support/run.ts';
import { nameShard, type JudgedShard, type OpenableSeat } from './name-shard.ts';

const honest = runEvidence(runTrace()).sketch;
const other = runEvidence(runTrace({ cpuSeconds: 90, peakBytes: 2 ** 30, readBytes: 9e9 }), runProfile({ bytes: 5e8, content: 9 })).sketch;
const digest: Hex = `0x${'11'.repeat(32)}`;
/** Seats whose sketches differ from the honest one in some shards. */
const seats = (...odd: number[][]): OpenableSeat[] => odd.map((shards, seat) => ({
  seat, resultDigest: digest, sketches: Array.from({ length: 4 }, (_, shard) => (shards.includes(shard) ? other : honest)),
}));
const judged = (...told: number[][]): JudgedShard[] => told.map((one, shard) => ({ shard, told: one, undecided: false }));

test('the shard in which most are told is named, the first of equals', () => {
  assert.equal(nameShard(judged([], [1], [1, 2], []), seats([], [1, 2], [2], [], [])).shard, 2);
  assert.equal(nameShard(judged([], [1], [2], []), seats([], [1], [2])).shard, 1);
});

test('of shards in which seats are told the one in which the contract tells them too', () => {
  // Shard 1 is told by content that no sketch has; shard 3 by the sketch as well.
  assert.equal(nameShard(judged([], [1, 2], [], [1]), seats([], [3], [], [], [])).shard, 3);
});

test('where nobody is told: the first undecided, else the first', () => {
  assert.equal(nameShard(judged([], [], [], []), seats([], [], [])).shard, 0);
  const undecided = judged([], [], [], []).map((one) => ({ ...one, undecided: one.shard > 1 }));
  assert.equal(nameShard(undecided, seats([], [], [])).shard, 2);
  // Whom a decided shard tells is told, whatever others leave open.
  assert.equal(nameShard([...undecided.slice(0, 3), { shard: 3, told: [0], undecided: false }], seats([3], [], [])).shard, 3);
});
