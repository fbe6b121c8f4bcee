import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { profileOutput } from '../../src/evidence/index.ts';
import { planRuns, plainCondition } from './design.ts';
import { labJobs } from './programs/programs.ts';
import { readRuns, writeRun } from './run-store.ts';
import { SAMPLE_HONEST_RUNS, SAMPLE_PROGRAMS, SAMPLE_VARIANT_RUNS, sample } from './sample.ts';

const directory = await mkdtemp(join(tmpdir(), 'gadus-sample-'));
after(() => rm(directory, { recursive: true, force: true }));

test('its programs are programs of the corpus', () => {
  const names = labJobs().map(({ name }) => name);
  for (const name of SAMPLE_PROGRAMS) assert.ok(names.includes(name), name);
});

test('the committed sample has every program, honest and not, and is small', async () => {
  const committed = join(import.meta.dirname, '..', 'sample');
  const runs = await Array.fromAsync(readRuns(committed));
  for (const program of SAMPLE_PROGRAMS) {
    const own = runs.filter((run) => run.program === program);
    const honest = own.filter(({ id }) => id.includes('.honest-'));
    assert.ok(honest.length >= 5 && own.length >= honest.length + 4, `${program}: ${honest.length} honest of ${own.length}`);
    if (honest[0]!.deterministic) assert.equal(new Set(honest.map(({ resultDigest }) => resultDigest)).size, 1, program);
    for (const { id, resultDigest } of own) assert.equal(resultDigest === honest[0]!.resultDigest, honest[0]!.deterministic ? id.includes('.honest-') : id === honest[0]!.id, id);
  }
  const sizes = await Promise.all((await readdir(committed)).map(async (name) => (await stat(join(committed, name))).size));
  assert.ok(sizes.reduce((sum, size) => sum + size, 0) < 1_500_000);
});

test('keeps some runs of every variant of its programs, as they are', async () => {
  const [from, to] = [join(directory, 'from'), join(directory, 'to')];
  const profile = await profileOutput([]);
  for (const name of ['gzip', 'bzip2']) {
    for (const { slot, seed, fraction, work } of planRuns({ name, knob: true })) {
      await writeRun(from, {
        version: 2, id: `${name}.container.${slot}`, program: name, kind: 'compression', deterministic: true, input: { seed, bytes: 1, fraction }, work,
        condition: { ...plainCondition(), engine: 'container' }, trace: { version: 1, engine: 'container', intervalMs: 20, t: Float64Array.of(0), channels: {} },
        profile, written: null, words: profile.content, loopNs: 0, resultDigest: `0x${'00'.repeat(32)}`, outputBytes: 0, exitCode: 0, recordedAt: '', machine: '',
      });
    }
  }
  assert.equal(await sample({ from, to }), SAMPLE_HONEST_RUNS + 6 * SAMPLE_VARIANT_RUNS);
  const ids = (await Array.fromAsync(readRuns(to))).map(({ id }) => id);
  assert.equal(ids.filter((id) => id.startsWith('gzip.container.honest-')).length, SAMPLE_HONEST_RUNS);
  for (const variant of ['wrong', 'input-0.5', 'input-0.9', 'input-0.99', 'work-0.5', 'work-0.9']) assert.ok(ids.includes(`gzip.container.${variant}-1`), variant);
});
