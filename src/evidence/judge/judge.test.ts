import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { fingerprintOf } from '../fingerprint/fingerprint.ts';
import { judgeReplicas, type JudgedReplica } from './judge.ts';
import { runProfile, runTrace, type RunShape } from '../test-support/run.ts';

const replica = (shape: RunShape = {}, rest: Partial<JudgedReplica> = {}, profile = runProfile()): JudgedReplica =>
  ({ fingerprint: fingerprintOf(runTrace(shape), profile), resultCid: 'same', exitCode: 0, ended: 'exit', ...rest });
const half = { readBytes: 100e6, writtenBytes: 50e6 };

describe('judgeReplicas', () => {
  it('accepts replicas that did the same work, at whatever speed', () => {
    const { agreed, undecided, clusters } = judgeReplicas([replica(), replica({ samples: 900 }), replica({ cpuSeconds: 10 })], 'trace');
    assert.deepEqual({ agreed, undecided, clusters }, { agreed: [true, true, true], undecided: false, clusters: [[0, 1, 2]] });
  });

  it('names the one that did half the work, in words, even when its result is the same', () => {
    const { agreed, reasons, distances } = judgeReplicas([replica(), replica(half), replica()], 'trace');
    assert.deepEqual(agreed, [true, false, true]);
    assert.match(reasons[1]!, /reads 50 % fewer bytes/);
    assert.ok(distances[0]![1]! > 1 && distances[0]![1] === distances[1]![0]);
  });

  it('takes equal results for equal outputs, whatever the profile says', () => {
    const odd = replica({}, {}, runProfile({ values: 16 }));
    assert.deepEqual(judgeReplicas([replica(), odd, replica()], 'trace').agreed, [true, true, true]);
    assert.deepEqual(judgeReplicas([replica(), { ...odd, resultCid: 'other' }, replica()], 'trace').agreed, [true, false, true]);
  });

  it('rejects an output with other content where a majority repeats itself, and not where none does', () => {
    const made = (content: number) => replica({}, { resultCid: String(content) }, runProfile({ content }));
    const { agreed, reasons, distances } = judgeReplicas([made(1), made(2), made(1)], 'trace');
    assert.deepEqual(agreed, [true, false, true]);
    assert.match(reasons[1]!, /output with other content/);
    assert.equal(distances[0]![1], 20);
    assert.deepEqual(judgeReplicas([made(1), made(2), made(3)], 'trace').agreed, [true, true, true]);
    const nearly = (changed: number, resultCid: string) => replica({}, { resultCid }, { ...runProfile(), content: runProfile().content.fill(9, 0, changed) });
    assert.deepEqual(judgeReplicas([nearly(0, 'same'), nearly(10, 'other'), nearly(0, 'same')], 'trace').agreed, [true, false, true]);
    assert.deepEqual(judgeReplicas([nearly(0, 'a'), nearly(10, 'b'), nearly(0, 'c')], 'trace').agreed, [true, true, true]);
    assert.match(judgeReplicas([nearly(0, 'same'), nearly(10, 'other'), nearly(0, 'same')], 'trace').reasons[1]!, /16 % of the output's content differs/);
    assert.deepEqual(judgeReplicas([made(1), made(2)], 'trace').agreed, [true, true]);
  });

  it('does not go by the content of a small output: a time stamp may be equal by chance', () => {
    const made = (content: number) => replica({}, { resultCid: String(content) }, runProfile({ bytes: 1000, content }));
    const { agreed, suspects } = judgeReplicas([made(1), made(2), made(1)], 'trace');
    assert.deepEqual({ agreed, suspects }, { agreed: [true, true, true], suspects: [false, true, false] });
  });

  it('points out replicas that share a run, and pays them all the same', () => {
    const trace = runTrace({ progress: (time) => time ** 1.5 });
    const { agreed, copies, reasons } = judgeReplicas([{ ...replica(), trace }, { ...replica(), trace: runTrace({ samples: 400 }) }, { ...replica(), trace }], 'trace');
    assert.deepEqual({ agreed, copies }, { agreed: [true, true, true], copies: [[0, 2]] });
    assert.match(reasons[0]!, /replica 3 agree more than two runs can/);
    assert.doesNotMatch(reasons[1]!, /share one/);
  });

  it('points out a result of its own where the others are identical', () => {
    const { agreed, reasons, suspects } = judgeReplicas([replica(), replica(), replica({}, { resultCid: 'other' })], 'trace');
    assert.deepEqual(agreed, [true, true, true]);
    assert.deepEqual(suspects, [false, false, true]);
    assert.match(reasons[2]!, /result of its own/);
  });

  it('accuses nobody without a majority', () => {
    for (const replicas of [[replica(), replica(half)], [replica(), replica(half), replica({ readBytes: 1e9 })], [replica(), replica(), replica(half), replica(half)]]) {
      const { agreed, undecided, reasons } = judgeReplicas(replicas, 'trace');
      assert.ok(undecided && agreed.every((one) => !one) && reasons.every((reason) => reason.startsWith('undecided')));
    }
  });

  it('lets a single replica agree with itself, and nobody with nobody', () => {
    assert.deepEqual(judgeReplicas([replica()], 'trace').agreed, [true]);
    assert.deepEqual(judgeReplicas([], 'trace'), { agreed: [], clusters: [], distances: [], reasons: [], suspects: [], copies: [], undecided: false });
  });

  it('keeps another exit code or ending apart', () => {
    const { agreed, reasons } = judgeReplicas([replica(), replica(), replica({}, { exitCode: 1 }), replica({}, { ended: 'timeout' }), replica()], 'trace');
    assert.deepEqual(agreed, [true, true, false, false, true]);
    assert.match(reasons[2]!, /code 1/);
    assert.match(reasons[3]!, /timeout/);
  });

  it('asks policy exact for the result alone, and none for nothing', () => {
    const replicas = [replica(), replica(half), replica({}, { resultCid: 'other' })];
    assert.deepEqual(judgeReplicas(replicas, 'exact').agreed, [true, true, false]);
    assert.deepEqual(judgeReplicas(replicas, 'none').agreed, [true, true, true]);
  });

  it('has a reason for one that is near some of the majority only, also where outputs are too small to have content', () => {
    const [slow, usual, fast] = [18, 8, 4].map((cpuSeconds) => replica({ cpuSeconds }, {}, runProfile({ bytes: 1000 })));
    const { agreed, reasons, distances } = judgeReplicas([slow!, usual!, fast!], 'trace');
    assert.ok(distances[0]![1]! <= 1 && distances[1]![2]! <= 1 && distances[0]![2]! > 1, JSON.stringify(distances));
    assert.deepEqual(agreed.filter(Boolean).length, 2);
    assert.equal(reasons[agreed.indexOf(false)], 'near some of the majority, but not all of it');
  });

  it('never groups two that are beyond the threshold, and never accuses a majority', () => fc.assert(fc.property(
    fc.array(fc.integer({ min: 100e6, max: 130e6 }), { minLength: 1, maxLength: 9 }), (reads) => {
      const { clusters, distances, agreed, undecided } = judgeReplicas(reads.map((readBytes) => replica({ samples: 20, readBytes })), 'trace');
      assert.deepEqual(clusters.flat().sort((a, b) => a - b), reads.map((_, i) => i));
      for (const cluster of clusters) for (const i of cluster) for (const j of cluster) assert.ok(distances[i]![j]! <= 1);
      const count = agreed.filter(Boolean).length;
      assert.ok(undecided ? count === 0 : 2 * count > reads.length);
    },
  ), { numRuns: 40 }));
});
