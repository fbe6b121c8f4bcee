import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { encode } from 'cborg';
import { profileOutput } from '../../src/evidence/index.ts';
import { isError } from '../../src/protocol/index.ts';
import { plainCondition } from './design.ts';
import { encodeRun } from './run-encoding.ts';
import type { LabRun } from './lab-run.ts';
import { readRuns, runFileName, writeRun, writeRuns } from './run-store.ts';

let directory: string;
let run: LabRun;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gadus-runs-'));
  const output = join(directory, 'output');
  await writeFile(output, 'some output\n'.repeat(500));
  const profile = await profileOutput([output]);
  run = {
    version: 2, id: 'sort.container.honest-00', program: 'sort', kind: 'sort', deterministic: true, input: { seed: 1, bytes: 1000, fraction: 1 }, work: 1,
    condition: { ...plainCondition(), engine: 'container' },
    trace: { version: 1, engine: 'container', intervalMs: 20, t: Float64Array.of(0, 20.25, 40.5), channels: { cpuNs: Float64Array.of(0, 1e7, 2e7), residentBytes: Float64Array.of(4096, 81920, 0) } },
    profile, words: profile.content, loopNs: 1_000_000,
    written: { t: Float64Array.of(20, 40.5), files: [{ path: 'outputs/a', lengths: Float64Array.of(100, profile.bytes) }, { path: 'stdout', lengths: Float64Array.of(0, 0) }] },
    resultDigest: `0x${'ab'.repeat(32)}`, outputBytes: profile.bytes, exitCode: 0, recordedAt: '2026-01-01T00:00:00.000Z', machine: 'a processor, 2 cores, Linux',
  };
});
after(() => rm(directory, { recursive: true, force: true }));

const all = (folder: string) => Array.fromAsync(readRuns(folder));
/** A folder with one file of runs, of these bytes. */
const folderWith = async (bytes: Uint8Array) => {
  const folder = await mkdtemp(join(directory, 'case-'));
  await writeFile(join(folder, runFileName('x')), bytes);
  return folder;
};
const malformed = (error: unknown) => isError(error, 'RUNS_MALFORMED');

test('reads what it wrote, one file or several, in order of their names', async () => {
  const folder = join(directory, 'made', 'on', 'demand');
  const second = { ...run, id: 'a', work: 0.5, input: { ...run.input, fraction: 0.99 } };
  await writeRun(folder, run);
  await writeRun(folder, second);
  assert.deepEqual(await all(folder), [second, run]);
  assert.deepEqual((await readdir(folder)).sort(), ['a.runs.gz', 'sort.container.honest-00.runs.gz'], 'no draft is left');
  await writeRuns(folder, 'many', [run, second, run]);
  assert.equal((await all(folder)).length, 5);
});

test('passes over drafts and foreign files', async () => {
  const folder = await folderWith(gzipSync(encodeRun(run)));
  await writeFile(join(folder, '.half.runs.gz.1.draft'), 'half');
  await writeFile(join(folder, 'README.md'), 'not a run');
  assert.deepEqual(await all(folder), [run]);
});

test('names the damaged file, whatever the damage', async () => {
  const whole = encodeRun(run);
  const packed = gzipSync(whole);
  const damaged = [
    Buffer.from('not gzip'), packed.subarray(0, packed.length / 2), gzipSync(whole.subarray(0, whole.length / 2)), gzipSync(Buffer.concat([whole, Buffer.of(0xff)])),
    gzipSync(encode({ ...run, version: 2 })), gzipSync(encode('text')), gzipSync(encode({})),
  ];
  for (const bytes of damaged) {
    const folder = await folderWith(bytes);
    await assert.rejects(all(folder), (error) => malformed(error) && (error as Error).message.includes(join(folder, runFileName('x'))));
  }
  const flipped = Buffer.from(await readFile(join(await folderWith(packed), runFileName('x'))));
  flipped[flipped.length - 6]! ^= 0xff;
  await assert.rejects(all(await folderWith(flipped)), malformed, 'the checksum');
});

test('refuses a trace that no sampler can have seen', async () => {
  const falling: LabRun = { ...run, trace: { ...run.trace, channels: { cpuNs: Float64Array.of(0, 2, 1) } } };
  await assert.rejects(all(await folderWith(gzipSync(encodeRun(falling)))), (error) => isError(error, 'TRACE_INVALID'));
});
