import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hexToBytes } from 'viem';
import { encodeEvidence, fingerprintOf, judgeReplicas, majorityOf, sketchDistance } from '../../evidence/index.ts';
import { runEvidence, runProfile, runTrace } from '../../evidence/test-support/run.ts';
import { PLAIN_TERMS, type Evidence, type JobRequest } from '../../protocol/index.ts';
import type { ClosedJob, Exhibit } from '../findings/exhibit.ts';
import type { ShardedExhibit } from './collect-shards.ts';
import { judgeShards } from './judge-shards.ts';

const ZERO = `0x${'00'.repeat(32)}` as const;
const address = (seat: number) => `0x${String(seat + 1).padStart(40, '0')}` as const;
const job = (seats: number, shards: number, policy = 0): ClosedJob => ({
  request: {
    client: address(9), nonce: 1n, specDigest: ZERO, replicas: seats, policy, maxPrice: 1n, stake: 1n, minScore: 0, assignWindow: 1, commitWindow: 1, settleWindow: 1,
    disputeWindow: 1, sealKey: ZERO, secretHash: ZERO, ...PLAIN_TERMS, shards,
  } satisfies JobRequest,
  roster: Array.from({ length: seats }, (_, seat) => ({ node: address(seat), price: 1n, commitment: ZERO })), committed: 2 ** seats - 1,
});

const honest = runEvidence();
const lazy = runEvidence(runTrace({ cpuSeconds: 90, peakBytes: 2 ** 30, readBytes: 9e9 }), runProfile({ bytes: 5e8, content: 9 }));
const lazier = runEvidence(runTrace({ cpuSeconds: 0.1, peakBytes: 2 ** 20, readBytes: 1e3 }), runProfile({ bytes: 0 }));

/** A seat that ran `honest` in all shards but those it is given others for. */
function seat(number: number, shards: number, others: Record<number, Evidence> = {}): ShardedExhibit {
  const runs = Array.from({ length: shards }, (_, shard) => others[shard] ?? honest);
  return {
    seat: number, receipts: [],
    sharded: {
      manifest: { version: 1, jobId: ZERO, node: address(number), resultCid: honest.resultCid, sketchRoot: ZERO, shards: [] },
      encoded: runs.map((run) => encodeEvidence(run)), sketches: runs.map(({ sketch }) => sketch), windows: new Map(),
    },
  };
}

const storage = { connect: () => Promise.reject(new Error('not here')), export: () => Promise.reject(new Error('not here')) };
const judge = (closed: ClosedJob, exhibits: (Exhibit | ShardedExhibit)[]) => judgeShards(() => storage, [], closed, exhibits, new AbortController().signal);

test('all honest: all agree, in every shard', async () => {
  const { findings, shard } = await judge(job(3, 6), [0, 1, 2].map((one) => seat(one, 6)));
  assert.equal(shard, 0);
  assert.deepEqual(findings.map(({ agreed }) => agreed), [true, true, true]);
  assert.match(findings[0]!.reason, /^in all 6 shards, as in the first: same work as 2 others/);
});

test('who differs in one shard is rejected for it; seat, shard and block are named', async () => {
  const { findings, shard } = await judge(job(3, 6), [seat(0, 6), seat(1, 6, { 4: lazy }), seat(2, 6)]);
  assert.equal(shard, 4);
  assert.deepEqual(findings.map(({ agreed }) => agreed), [true, false, true]);
  assert.equal(findings[1]!.seat, 1);
  assert.match(findings[1]!.reason, /^shard 4: .*(memory|CPU|read|output)/);
  assert.deepEqual(findings[1]!.shards!.told.map((one) => one.shard), [4]);
});

test('of two that differ in different shards the one is rejected, and the other has the benefit', async () => {
  const exhibits = [seat(0, 6), seat(1, 6, { 2: lazy, 5: lazy }), seat(2, 6), seat(3, 6, { 4: lazy }), seat(4, 6)];
  const { findings, shard } = await judge(job(5, 6), exhibits);
  assert.equal(shard, 2);
  assert.deepEqual(findings.map(({ agreed }) => agreed), [true, false, true, true, true]);
  assert.match(findings[1]!.reason, /and told apart in 1 other shard of 6/);
  assert.match(findings[3]!.reason, /^shard 4: .*the verdict names shard 2, in which it agrees: it has the benefit/);
});

test('the shard in which most differ is named', async () => {
  const exhibits = [seat(0, 6), seat(1, 6, { 2: lazy, 4: lazy }), seat(2, 6), seat(3, 6, { 4: lazy }), seat(4, 6)];
  const { findings, shard } = await judge(job(5, 6), exhibits);
  assert.equal(shard, 4);
  assert.deepEqual(findings.map(({ agreed }) => agreed), [true, false, true, false, true]);
});

test('a shard without a majority accuses nobody, and nobody is said to agree', async () => {
  const { findings, shard } = await judge(job(3, 6), [seat(0, 6), seat(1, 6, { 3: lazy }), seat(2, 6, { 3: lazier })]);
  assert.equal(shard, 3);
  assert.deepEqual(findings.map(({ agreed }) => agreed), [false, false, false]);
  assert.ok(findings.every(({ reason, shards }) => /no majority in 1 of 6 shards/.test(reason) && shards!.undecided === 1 && shards!.toldCount === 0));
});

test('but where another shard tells somebody apart, that is the verdict', async () => {
  const { findings, shard } = await judge(job(3, 6), [seat(0, 6), seat(1, 6, { 3: lazy, 5: lazy }), seat(2, 6, { 3: lazier })]);
  assert.equal(shard, 5);
  assert.deepEqual(findings.map(({ agreed }) => agreed), [true, false, true]);
});

test('a seat without evidence is rejected, and the others are judged without it', async () => {
  const { findings, shard } = await judge(job(3, 6), [seat(0, 6), { seat: 1, problem: 'no evidence in time' }, seat(2, 6)]);
  assert.equal(shard, 0);
  assert.deepEqual(findings.map(({ agreed, reason }) => agreed || reason), [true, 'no evidence in time', true]);
  const none = await judge(job(2, 6), [0, 1].map((one) => ({ seat: one, problem: 'silent' })));
  assert.deepEqual(none.findings.map(({ agreed }) => agreed), [false, false]);
});

test('the first shard that failed stands for the job; work is summed up', async () => {
  const failed = { ...honest, exitCode: 3 };
  const { findings } = await judge(job(2, 6), [0, 1].map((one) => seat(one, 6, { 2: failed, 4: { ...honest, exitCode: 9 } })));
  assert.deepEqual(findings.map(({ agreed, exitCode, shards }) => [agreed, exitCode, shards!.failed]), [[true, 3, 2], [true, 3, 2]]);
  assert.equal(Math.round(findings[0]!.cpuSeconds!), 48);
});

/** How far its contract sees a run from the honest one. */
const away = ({ sketch }: Evidence) => sketchDistance(hexToBytes(sketch), hexToBytes(honest.sketch)).distance;
/** A run with as much more memory as takes it to about `distance`. */
const peaky = (distance: number) => {
  let [low, high] = [2 ** 28, 2 ** 34];
  while (high / low > 1.001) {
    const middle = Math.sqrt(low * high);
    if (away(runEvidence(runTrace({ peakBytes: middle }))) < distance) low = middle;
    else high = middle;
  }
  return runEvidence(runTrace({ peakBytes: high }), runProfile(), { resultCid: honest.resultCid });
};

test('an honest seat beyond the threshold of one run in one of many shards agrees, to the client and to the contract; without shards it does not', async () => {
  const odd = peaky(1300);
  assert.ok(away(odd) >= 1300 && away(odd) < 1400, String(away(odd)));
  const seats = [seat(0, 60), seat(1, 60, { 17: odd }), seat(2, 60)];
  const { findings } = await judge(job(3, 60), seats);
  assert.deepEqual(findings.map(({ agreed, shards }) => [agreed, shards!.toldCount]), [[true, 0], [true, 0], [true, 0]]);
  const opened = [honest, odd, honest].map(({ sketch }) => ({ sketch: hexToBytes(sketch), resultDigest: 'same' }));
  assert.deepEqual([majorityOf(opened, 60), majorityOf(opened, 1)], [[0, 1, 2], [0, 2]]);
  const alone = await judge(job(3, 1), [seat(0, 1), seat(1, 1, { 0: odd }), seat(2, 1)]);
  assert.deepEqual(alone.findings.map(({ agreed }) => agreed), [true, false, true]);
});

test('who skips one of 10,000 shards, does half of it, or hands in another shard\'s run for it, is told apart by both', () => {
  const half = runEvidence(runTrace({ cpuSeconds: 4, readBytes: 100e6, writtenBytes: 50e6, faults: 30_000, samples: 250 }), runProfile({ bytes: 500_000 }), { resultCid: 'half' });
  const skipped = runEvidence(runTrace({ samples: 1, cpuSeconds: 0, peakBytes: 1, readBytes: 0, writtenBytes: 0, faults: 0 }), runProfile({ bytes: 0 }), { resultCid: 'none' });
  const another = runEvidence(runTrace(), { ...runProfile(), content: runProfile().content.map((_, bin) => bin * 0x9e37_79b1) }, { resultCid: 'another' });
  for (const [name, cheat] of Object.entries({ half, skipped, another })) {
    const three = [honest, cheat, honest];
    assert.deepEqual(majorityOf(three.map(({ sketch, resultCid }) => ({ sketch: hexToBytes(sketch), resultDigest: resultCid })), 10_000), [0, 2], name);
    assert.deepEqual(judgeReplicas(three.map((one) => ({ ...one, fingerprint: fingerprintOf(one.trace, one.profile) })), 'trace', 10_000).agreed, [true, false, true], name);
  }
});

test('whom the contract would find in its majority is not told apart', async () => {
  // Ended otherwise, which no sketch shows: a verdict against it would lose.
  const { findings } = await judge(job(3, 6), [seat(0, 6), seat(1, 6, { 4: { ...honest, exitCode: 1 } }), seat(2, 6)]);
  assert.deepEqual(findings.map(({ agreed, shards }) => [agreed, shards!.toldCount]), [[true, 0], [true, 0], [true, 0]]);
});
