import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { majorityOf, SKETCH_BLOCKS, SKETCH_BYTES, SKETCH_THRESHOLD, SKETCH_VERSION } from '../../src/evidence/index.ts';
import { SAMPLE_DIRECTORY } from '../commands.ts';
import { randomOf, seedOf, type Random } from '../corpus/inputs/random.ts';
import type { LabRun } from '../corpus/lab-run.ts';
import { readRuns } from '../corpus/run-store.ts';
import { jobsOf } from './corpus.ts';
import { submissionSketch } from './fingerprints/submission-fingerprint.ts';
import { labReportSchema } from './report-schema.ts';
import { shardThrees } from './shard-threes.ts';

const ROOT = join(import.meta.dirname, '../..');
const SHARDS = 10_000;
const JOBS = 20;

/** Whether the contract would find a majority that one is not in. */
function condemns(seats: readonly { sketch: Uint8Array; resultDigest: string }[], shards: number): boolean {
  const majority = majorityOf(seats, shards);
  return majority.length > 0 && majority.length < seats.length;
}

/** Three seats, one of which is `distance` away in the first block, in thousandths. */
function threeWith(distance: number) {
  const { count, tolerance } = SKETCH_BLOCKS[0]!;
  return [0, distance, 0].map((away) => {
    const sketch = new Uint8Array(SKETCH_BYTES);
    const view = new DataView(sketch.buffer);
    sketch[0] = SKETCH_VERSION;
    for (let i = 0; i < count; i++) view.setUint16(1 + 2 * i, 20_000 + Math.ceil((away * tolerance) / 1000));
    return { sketch, resultDigest: 'same' };
  });
}

/** Beyond 1 as often as the report says at most, and half as often with every further 1: what the laboratory's pairs did on a crowded machine, farthest at 4.8 of 3,169, and goes on. */
function drawDistance(random: Random, beyond: number): number {
  return random.uniform() >= beyond ? random.uniform() * SKETCH_THRESHOLD : SKETCH_THRESHOLD * (1 - Math.log2(1 - random.uniform()));
}

describe('a client that looks among 10,000 honest shards for one that condemns an honest node', () => {
  it('finds none in any three runs of any program of the sample, and would by the threshold of one shard', async () => {
    const jobs = jobsOf(await Array.fromAsync(readRuns(join(ROOT, SAMPLE_DIRECTORY))));
    const byShards = { 1: 0, [SHARDS]: 0 };
    for (const { honest } of jobs) {
      for (const three of threes(honest)) {
        const seats = three.map((run) => ({ sketch: submissionSketch(run), resultDigest: run.resultDigest }));
        for (const shards of [1, SHARDS] as const) byShards[shards] += Number(condemns(seats, shards));
      }
    }
    assert.ok(byShards[1] > 0);
    assert.equal(byShards[SHARDS], 0);
  });

  it('finds one in at most one job of ten where distances go on beyond the farthest pair of the laboratory', async () => {
    const { honest } = labReportSchema.parse(JSON.parse(await readFile(join(ROOT, 'lab/report.json'), 'utf8')));
    const found = { 1: 0, [SHARDS]: 0 };
    const random = randomOf(seedOf('shards'));
    for (let job = 0; job < JOBS; job++) {
      // The seat that is farthest of all shards decides.
      const farthest = Array.from({ length: 3 * SHARDS }, () => drawDistance(random, honest.upper95)).reduce((most, distance) => Math.max(most, distance));
      for (const shards of [1, SHARDS] as const) found[shards] += Number(condemns(threeWith(farthest), shards));
    }
    assert.equal(found[1], JOBS);
    assert.ok(found[SHARDS] <= JOBS / 10, `${found[SHARDS]} of ${JOBS}`);
  });
});

test('of the recorded runs no honest one is told apart in one of 60 shards, and whoever leaves out half nearly always', async () => {
  const rows = shardThrees(await Array.fromAsync(readRuns(join(ROOT, SAMPLE_DIRECTORY))));
  const share = (what: string, shards: number) => rows.find((row) => row.what === what)!.told.find((one) => one.shards === shards)!.share;
  assert.ok(rows.every(({ threes: count }) => count > 0));
  for (const shards of [60, 10_000]) {
    assert.equal(share('an honest run', shards), 0);
    assert.equal(share('half of the input', shards), 1);
    assert.ok(share('half of the work', shards) > 0.9);
  }
});

function* threes(runs: readonly LabRun[]): Generator<LabRun[]> {
  for (const [i, a] of runs.entries()) {
    for (const [j, b] of runs.entries()) {
      for (const c of j > i ? runs.slice(j + 1) : []) yield [a, b, c];
    }
  }
}
