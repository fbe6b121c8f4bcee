import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { isError } from '../../../src/protocol/index.ts';
import { PROGRAMS, labJobs } from './programs.ts';

test('there are programs of many kinds, some at two sizes, some that never give the same bytes twice', () => {
  assert.ok(PROGRAMS.length >= 28, `${PROGRAMS.length} programs`);
  assert.ok(new Set(PROGRAMS.map(({ kind }) => kind)).size >= 12);
  assert.ok(PROGRAMS.filter(({ deterministic }) => !deterministic).length >= 5);
  assert.ok(PROGRAMS.filter(({ other }) => other).length >= 10);
  assert.ok(PROGRAMS.filter(({ cpus = 1 }) => cpus > 1).length >= 5);
  assert.ok(PROGRAMS.filter(({ knob }) => knob).length >= 10);
});

test('names are file names, each used once', () => {
  const names = labJobs().map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
});

test('a program has a knob exactly when its script heeds one', () => {
  for (const { name, knob, script, input } of PROGRAMS) assert.equal(script(0.5, input.bytes) !== script(1, input.bytes), knob === true, name);
});

test('scripts are valid shell', () => {
  for (const { name, script, input } of PROGRAMS) assert.doesNotThrow(() => execFileSync('bash', ['-n'], { input: script(1, input.bytes), stdio: 'pipe' }), name);
});

test('jobs are chosen by program or by size', () => {
  assert.deepEqual(labJobs(['sort-csv']).map(({ name }) => name), ['sort-csv', 'sort-csv-large']);
  assert.deepEqual(labJobs(['sort-csv-large']).map(({ name, input }) => [name, input.bytes]), [['sort-csv-large', 16_000_000]]);
  assert.throws(() => labJobs(['no-such']), (error) => isError(error, 'PROGRAM_UNKNOWN'));
});
