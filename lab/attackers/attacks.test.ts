import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { CHANNELS, type ChannelName, type Trace } from '../../src/protocol/index.ts';
import { compareFingerprints } from '../../src/evidence/fingerprint/compare-fingerprints.ts';
import { fingerprintOf } from '../../src/evidence/fingerprint/fingerprint.ts';
import { anyTrace, runProfile } from '../../src/evidence/test-support/run.ts';
import { validateProfile } from '../../src/evidence/fingerprint/validate-profile.ts';
import { validateTrace } from '../../src/evidence/trace/validate-trace.ts';
import { randomOf } from '../corpus/inputs/random.ts';
import { labRun } from '../test-support/lab-runs.ts';
import type { Knowledge, Submission } from './attack.ts';
import { ATTACKS } from './attacks.ts';

const honest = labRun({ n: 0 });
const knowledge: Knowledge = {
  honest: labRun({ n: 1 }), peer: labRun({ n: 2 }), earlier: [3, 4, 5].map((n) => labRun({ n })),
  halfInput: labRun({ fraction: 0.5 }), mostInput: labRun({ fraction: 0.9 }), nearlyAllInput: labRun({ fraction: 0.99 }),
  halfWork: labRun({ work: 0.5 }), mostWork: labRun({ work: 0.9 }),
  otherInput: labRun({ seed: 2 }), otherProgram: labRun({ program: 'packer' }), corpus: [2, 3, 4].map((seed) => labRun({ seed })),
  result: { profile: honest.profile, resultDigest: honest.resultDigest },
};
const job = { program: 'sorter', inputBytes: honest.input.bytes, engine: 'container', intervalMs: 20 };
const attack = (name: string) => ATTACKS.find((one) => one.name === name)!;
const forge = (name: string, known: Partial<Knowledge> = knowledge, seed = 1): Submission => attack(name).forge({ job, random: randomOf(seed), ...known })!;
const distance = ({ trace, profile }: Submission) => compareFingerprints(fingerprintOf(trace, profile), fingerprintOf(honest.trace, honest.profile));
const total = (trace: Trace, channel: ChannelName) => trace.channels[channel]!.at(-1)!;

describe('every attack', () => {
  it('has a name and a sentence of its own', () => {
    assert.ok(ATTACKS.length >= 18);
    assert.equal(new Set(ATTACKS.map(({ name }) => name)).size, ATTACKS.length);
    assert.equal(new Set(ATTACKS.map(({ about }) => about)).size, ATTACKS.length);
  });

  for (const { name, knows, forge: play } of ATTACKS) {
    it(`${name}: is valid, repeats itself for one seed and sees only what it names`, () => {
      const reads: string[] = [];
      const watched = new Proxy({ job, random: randomOf(7), ...knowledge }, { get: (target, key) => { reads.push(String(key)); return Reflect.get(target, key); } });
      const submission = play(watched)!;
      validateTrace(submission.trace);
      validateProfile(submission.profile);
      assert.match(submission.resultDigest, /^0x[0-9a-f]{64}$/);
      assert.deepEqual(play({ job, random: randomOf(7), ...knowledge }), submission);
      assert.deepEqual(reads.filter((key) => key !== 'job' && key !== 'random' && !(knows as readonly string[]).includes(key)), []);
      assert.equal(play({ job, random: randomOf(7) }), undefined, 'without its knowledge it cannot be played');
    });

    it(`${name}: stays valid whatever traces it is fed`, () => fc.assert(fc.property(anyTrace, fc.nat(), (trace, seed) => {
      const run = { ...honest, trace };
      const fed: Knowledge = {
        honest: run, peer: run, earlier: [run, run], halfInput: run, mostInput: run, nearlyAllInput: run, halfWork: run, mostWork: run, otherInput: run, otherProgram: run,
        corpus: [run, run], result: { profile: runProfile({ bytes: (seed % 3) * 1000 }), resultDigest: run.resultDigest },
      };
      const submission = play({ job, random: randomOf(seed), ...fed });
      if (submission === undefined) return;
      validateTrace(submission.trace);
      validateProfile(submission.profile);
    }), { numRuns: 40 }));
  }
});

describe('what attacks change', () => {
  it('idle, flat, noise and burning hand in the right result', () => {
    for (const name of ['idle', 'flat', 'noise', 'CPU burnt to match']) assert.equal(forge(name).resultDigest, honest.resultDigest);
    assert.ok(total(forge('idle').trace, 'cpuNs') < 1e8);
    assert.equal(total(forge('flat').trace, 'cpuNs'), total(knowledge.earlier[0]!.trace, 'cpuNs'));
    assert.equal(total(forge('CPU burnt to match').trace, 'cpuNs'), total(knowledge.earlier[0]!.trace, 'cpuNs'));
    assert.ok(total(forge('CPU burnt to match').trace, 'readBytes') < 1e5);
  });

  it('extrapolation brings a half run\'s totals, duration and output to the whole\'s', () => {
    const plain = forge('half of the input');
    const blown = forge('half of the input, extrapolated');
    for (const channel of ['cpuNs', 'readBytes', 'writtenBytes', 'minorFaults'] as const) {
      assert.ok(Math.abs(total(blown.trace, channel) / total(plain.trace, channel) - 2) < 0.01, channel);
    }
    assert.ok(Math.abs(blown.trace.t.at(-1)! / plain.trace.t.at(-1)! - 2) < 0.01);
    assert.equal(blown.profile.bytes, 2 * plain.profile.bytes);
    assert.ok(distance(blown).distance < distance(plain).distance / 5);
  });

  it('a reversed trace keeps totals and turns its course round', () => {
    const { trace } = forge('reversed');
    const source = knowledge.earlier[0]!.trace;
    for (const [name, series] of Object.entries(trace.channels) as [ChannelName, Float64Array][]) {
      if (CHANNELS[name].kind === 'counter') assert.equal(series.at(-1), total(source, name));
    }
    assert.equal(trace.channels.residentBytes![0], source.channels.residentBytes!.at(-1));
  });

  it('time is stretched and compressed, nothing else', () => {
    const source = knowledge.earlier[0]!.trace;
    const [slow, fast] = [forge('time-stretched').trace, forge('time-compressed').trace];
    assert.ok(slow.t.at(-1)! >= 1.5 * source.t.at(-1)! && slow.t.at(-1)! <= 3 * source.t.at(-1)!);
    assert.ok(fast.t.at(-1)! <= 0.67 * source.t.at(-1)!);
    assert.deepEqual([total(slow, 'readBytes'), total(fast, 'readBytes')], [total(source, 'readBytes'), total(source, 'readBytes')]);
  });

  it('copies resemble their source closely and are not it', () => {
    for (const name of ['replay with jitter', 'copy with jitter', 'copy, resampled', 'copy, smoothed']) {
      const submission = forge(name);
      const source = name.startsWith('replay') ? knowledge.earlier[0]! : knowledge.peer;
      assert.notDeepEqual(submission.trace, source.trace, name);
      assert.ok(distance(submission).distance < 1, name);
    }
    assert.deepEqual(forge('replay').trace, knowledge.earlier[0]!.trace);
  });

  it('models learned from traces pass for runs of the program', () => {
    for (const name of ['model of the program', 'model of the job']) {
      for (let seed = 1; seed <= 10; seed++) {
        const { blocks } = distance(forge(name, knowledge, seed));
        assert.ok(blocks.every((block) => block.distance < 1), `${name}: ${JSON.stringify(blocks.filter((block) => block.distance >= 1))}`);
      }
    }
    assert.notDeepEqual(forge('model of the job', knowledge, 1).trace, forge('model of the job', knowledge, 2).trace);
    assert.equal(forge('model of the job', { ...knowledge, earlier: [knowledge.peer] }), undefined);
  });

  it('a model learned at other sizes reaches for the job\'s', () => {
    const small = [1, 2].map((seed) => labRun({ seed, fraction: 0.25 }));
    const { trace, profile } = forge('model of the program', { corpus: small });
    assert.ok(Math.abs(total(trace, 'readBytes') / total(honest.trace, 'readBytes') - 1) < 0.1);
    assert.ok(Math.abs(profile.bytes / honest.profile.bytes - 1) < 0.01);
  });

  it('outputs are made up, tampered with or another\'s', () => {
    const equal = ({ profile }: Submission) => profile.content.filter((minimum, bin) => minimum === knowledge.honest.profile.content[bin]).length;
    assert.equal(equal(forge('made-up output')), 0);
    assert.ok(equal(forge('honest run, tampered output')) > 40 && equal(forge('honest run, tampered output')) < 62);
    assert.deepEqual(forge('honest run, wrong output').profile, knowledge.otherInput.profile);
    assert.equal(forge('made-up output').profile.bytes, knowledge.honest.profile.bytes);
  });
});
