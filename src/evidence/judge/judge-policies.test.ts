import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fingerprintOf } from '../fingerprint/fingerprint.ts';
import { judgeReplicas, type JudgedReplica } from './judge.ts';
import { runProfile, runTrace, type RunShape } from '../test-support/run.ts';

const SAME = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku';
const OTHER = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
const replica = ({ resultCid = SAME, exitCode = 0, shape = {}, profile = runProfile() }: { resultCid?: string; exitCode?: number; shape?: RunShape; profile?: ReturnType<typeof runProfile> } = {}): JudgedReplica => (
  { fingerprint: fingerprintOf(runTrace(shape), profile), resultCid, exitCode, ended: 'exit' });
/** A third of the work. */
const LESS: RunShape = { readBytes: 60e6, writtenBytes: 30e6, faults: 20_000, cpuSeconds: 2 };
const odd = (one: Parameters<typeof replica>[0]) => [replica(), replica(one), replica()];

describe('judgeReplicas by policy', () => {
  it('trace: identical results and traces are one cluster, at distance 0', () => {
    const { agreed, distances, reasons } = judgeReplicas([replica(), replica(), replica()], 'trace');
    assert.deepEqual(agreed, [true, true, true]);
    assert.ok(distances.flat().every((distance) => distance === 0));
    assert.ok(reasons.every((reason) => reason.includes('same result')));
  });

  it('trace: identical results make the output\'s distance 0, whatever a profile claims', () => {
    const claims = { profile: runProfile({ bytes: 9_000_000, values: 4, content: 3 }) };
    assert.deepEqual(judgeReplicas(odd(claims), 'trace').agreed, [true, true, true]);
    assert.deepEqual(judgeReplicas(odd({ ...claims, resultCid: OTHER }), 'trace').agreed, [true, false, true]);
  });

  it('trace: an identical result does not excuse work that was not done', () => assert.deepEqual(judgeReplicas(odd({ shape: LESS }), 'trace').agreed, [true, false, true]));

  it('trace: another result with the same profile and trace agrees, and is marked', () => {
    const { agreed, suspects } = judgeReplicas(odd({ resultCid: OTHER }), 'trace');
    assert.deepEqual([agreed, suspects], [[true, true, true], [false, true, false]]);
  });

  it('trace: counts of two meters are held together, and a difference is said to come with them', () => {
    const by = (meter: number, one: Parameters<typeof replica>[0] = {}) => ({ ...replica(one), meter });
    const apart = judgeReplicas([by(2), by(1, { shape: LESS }), by(2)], 'trace');
    assert.deepEqual(apart.agreed, [true, false, true]);
    assert.match(apart.reasons[1]!, /^counted by meter 1, the majority by meter 2, .*reads/);
    assert.deepEqual(judgeReplicas([by(2), by(1), by(2)], 'trace').agreed, [true, true, true], 'as the contract, which sees no meter, would decide');
    assert.match(judgeReplicas([replica(), by(3, { shape: LESS }), replica()], 'trace').reasons[1]!, /majority by no meter/);
    assert.doesNotMatch(judgeReplicas([by(2), by(2, { shape: LESS }), by(2)], 'trace').reasons[1]!, /meter/);
  });

  it('exact: results alone decide', () => {
    assert.deepEqual(judgeReplicas(odd({ shape: LESS }), 'exact').agreed, [true, true, true]);
    assert.deepEqual(judgeReplicas(odd({ resultCid: OTHER }), 'exact').agreed, [true, false, true]);
    assert.equal(judgeReplicas([replica(), replica({ resultCid: OTHER })], 'exact').undecided, true);
  });

  it('none: nobody is compared', () => assert.deepEqual(judgeReplicas(odd({ resultCid: OTHER, exitCode: 3, shape: LESS }), 'none').agreed, [true, true, true]));

  it('trace and exact: another end is another result', () => {
    for (const policy of ['trace', 'exact'] as const) assert.deepEqual(judgeReplicas(odd({ exitCode: 3 }), policy).agreed, [true, false, true]);
  });
});
