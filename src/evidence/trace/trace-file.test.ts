import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isError } from '../../protocol/base/errors.ts';
import { anyTrace, runProfile, runTrace } from '../test-support/run.ts';
import { traceToCsv } from './trace-csv.ts';
import { readTraceFile, writeTraceFile } from './trace-file.ts';

describe('trace file', () => {
  let path: string;
  before(async () => { path = join(await mkdtemp(join(tmpdir(), 'gadus-trace-')), 'a.json'); });
  after(() => rm(join(path, '..'), { recursive: true }));

  it('comes back as it was written', () => fc.assert(fc.asyncProperty(anyTrace, fc.option(fc.string({ maxLength: 20 }), { nil: undefined }), async (trace, label) => {
    const file = { trace, profile: runProfile(), ...(label === undefined ? {} : { label }) };
    await writeTraceFile(path, file);
    assert.deepEqual(await readTraceFile(path), file);
  }), { numRuns: 30 }));

  it('describes itself', async () => {
    await writeTraceFile(path, { trace: runTrace({ samples: 3 }) });
    const value = JSON.parse(await readFile(path, 'utf8'));
    assert.deepEqual([value.format, value.version, value.units.t, value.units.cpuNs, value.units.residentBytes], ['gadus-trace', 1, 'ms', 'ns', 'B']);
  });

  it('refuses other files, later versions and impossible series, and names the file', async () => {
    const good = { format: 'gadus-trace', version: 1, engine: 'x', intervalMs: 20, t: [0, 1], channels: { cpuNs: [0, 5] } };
    const cases = [
      ['nonsense', 'TRACE_FILE_INVALID'], [{}, 'TRACE_FILE_INVALID'], [null, 'TRACE_FILE_INVALID'], [{ ...good, format: 'har' }, 'TRACE_FILE_INVALID'],
      [{ ...good, t: ['0'] }, 'TRACE_FILE_INVALID'], [{ ...good, version: 2 }, 'VERSION_UNKNOWN'], [{ ...good, t: [0, 0] }, 'TRACE_INVALID'],
      [{ ...good, channels: { cpuNs: [0] } }, 'TRACE_INVALID'], [{ ...good, profile: { bytes: 1, files: 1, entropy: [], histogram: [], content: [] } }, 'PROFILE_INVALID'],
    ] as const;
    for (const [value, code] of cases) {
      await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
      await assert.rejects(readTraceFile(path), (error) => isError(error, code) || assert.fail(`${JSON.stringify(value)}: ${error}`));
    }
    await assert.rejects(readTraceFile('/nowhere/a.json'), /\/nowhere\/a\.json/);
  });
});

describe('traceToCsv', () => {
  it('has a line a sample', () => {
    const csv = traceToCsv({ version: 1, engine: 'x', intervalMs: 20, t: Float64Array.of(0, 20.5), channels: { cpuNs: Float64Array.of(0, 7), residentBytes: Float64Array.of(1, 2) } });
    assert.equal(csv, 'tMs,cpuNs,residentBytes\n0,0,1\n20.5,7,2\n');
  });
});
