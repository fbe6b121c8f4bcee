import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isError } from '../../protocol/base/errors.ts';
import { fingerprintOf } from '../fingerprint/fingerprint.ts';
import { sketchDistance } from '../fingerprint/sketch-distance.ts';
import { sketchOf } from '../fingerprint/sketch.ts';
import { anyTrace, runTrace } from '../test-support/run.ts';
import { traceToCsv } from '../trace/trace-csv.ts';
import { readTraceFile } from '../trace/trace-file.ts';
import { validateTrace } from '../trace/validate-trace.ts';
import { buildTrace } from './build-trace.ts';
import { columnOf } from './columns.ts';
import { importCsv } from './import-csv.ts';

/** Fixed, so that a failure is there again at the next run. */
const SEED = 20_220_128;
const folder = new URL('../../../test/conformance/trace/valid/', import.meta.url);
const corpus = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'));

/** One random injury of a text. */
const injury = fc.record({
  kind: fc.constantFrom('cut', 'insert', 'replace', 'repeat', 'drop'), at: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.integer({ min: 1, max: 40 }),
  junk: fc.oneof(fc.constantFrom('NaN', 'Infinity', '-1', '1e999', '', ',', ';', '\n', '"', '#', '\0', '-0', '1e308', '9'.repeat(30), '\uFEFF', '__proto__'), fc.string({ maxLength: 8 })),
});

function injured(text: string, { kind, at, length, junk }: { kind: string; at: number; length: number; junk: string }): string {
  const from = Math.floor(at * text.length);
  const to = from + length;
  switch (kind) {
    case 'cut': return text.slice(0, from);
    case 'insert': return text.slice(0, from) + junk + text.slice(from);
    case 'replace': return text.slice(0, from) + junk + text.slice(to);
    case 'repeat': return text.slice(0, to) + text.slice(from);
    default: return text.slice(0, from) + text.slice(to);
  }
}

describe('files from strangers', () => {
  let path: string;
  before(async () => { path = join(await mkdtemp(join(tmpdir(), 'gadus-fuzz-')), 'trace'); });
  after(() => rm(join(path, '..'), { recursive: true }));

  it('are read to a valid trace or refused with a typed error, however damaged', () => fc.assert(
    fc.asyncProperty(fc.constantFrom(...corpus), fc.array(injury, { minLength: 1, maxLength: 4 }), async (text, injuries) => {
      await writeFile(path, injuries.reduce(injured, text));
      try {
        const { trace } = await readTraceFile(path);
        validateTrace(trace);
        assert.equal(sketchOf(fingerprintOf(trace)).length, sketchOf(fingerprintOf(runTrace())).length);
      } catch (error) {
        assert.ok(isError(error, 'TRACE_FILE_INVALID', 'TRACE_INVALID', 'VERSION_UNKNOWN', 'PROFILE_INVALID', 'EVIDENCE_TOO_LARGE'), String(error));
      }
    }), { numRuns: 1000, seed: SEED },
  ));

  it('are told from noise', () => fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
    await writeFile(path, bytes);
    await assert.rejects(readTraceFile(path), (error) => isError(error, 'TRACE_FILE_INVALID') || assert.fail(String(error)));
  }), { numRuns: 300, seed: SEED }));
});

describe('importCsv', () => {
  it('reads back what traces are written as', () => fc.assert(fc.property(anyTrace.filter(({ channels }) => Object.keys(channels).length > 0), (trace) => {
    const { channels, t } = importCsv(traceToCsv(trace)).trace;
    assert.deepEqual({ channels, t }, { channels: trace.channels, t: trace.t });
  }), { numRuns: 100, seed: SEED }));

  it('reads no more rows than a trace may have', () => {
    const read = (rows: number) => buildTrace({
      tool: 'csv', columns: ['tMs', 'processes'].map(columnOf), text: Array.from({ length: rows }, (_, i) => `${i},1`).join('\n'), start: 0, firstLine: 1, cells: (line) => line.split(','), limit: 5000,
    });
    assert.equal(read(5000).t.length, 5000);
    assert.throws(() => read(5001), (error) => isError(error, 'EVIDENCE_TOO_LARGE') || assert.fail(String(error)));
  });
});

describe('fingerprints of what is odd but valid', () => {
  it('have only finite or absent features, and a distance of 0 to themselves', () => fc.assert(fc.property(anyTrace, (trace) => {
    const fingerprint = fingerprintOf(trace);
    assert.ok(fingerprint.features.every((feature) => Number.isNaN(feature) || Number.isFinite(feature)));
    const { distance } = sketchDistance(sketchOf(fingerprint), sketchOf(fingerprint));
    assert.ok(distance === 0 || distance === Infinity);
  }), { numRuns: 300, seed: SEED }));

  it('are defined for a trace of a million samples', () => {
    const t = Float64Array.from({ length: 1_000_000 }, (_, i) => i);
    const { features } = fingerprintOf({ version: 1, engine: 'csv', intervalMs: 1, t, channels: { cpuNs: t, residentBytes: t } });
    assert.ok(features.some(Number.isFinite) && features.every((feature) => Number.isNaN(feature) || Number.isFinite(feature)));
  });

  it('sketches of any bytes have a distance', () => fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (a, b) => {
    const { distance, strict } = sketchDistance(a, b);
    assert.ok(distance >= 0 && strict >= distance);
  }), { numRuns: 300, seed: SEED }));
});
