import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, it } from 'node:test';
import { readTraceFile } from '../../../src/evidence/index.ts';
import { isError, type Trace } from '../../../src/protocol/index.ts';

const file = (path: string) => new URL(path, import.meta.url).pathname;
const plain = ({ engine, intervalMs, t, channels }: Trace) => (
  { engine, intervalMs, t: Array.from(t), channels: Object.fromEntries(Object.entries(channels).map(([name, series]) => [name, Array.from(series)])) });

/** What docs/trace-format.md says each file means. */
const MEANINGS: Record<string, ReturnType<typeof plain>> = {
  'minimal.json': { engine: 'process', intervalMs: 20, t: [0], channels: {} },
  'sort.json': { engine: 'process', intervalMs: 20, t: [0, 20.1, 40.2], channels: { cpuNs: [0, 19e6, 38.5e6], residentBytes: [1_048_576, 2_097_152, 1_572_864], readBytes: [0, 65_536, 131_072] } },
  'clock-jumps-forward.json': { engine: 'process', intervalMs: 20, t: [0, 20.1, 86_400_000], channels: { cpuNs: [0, 19e6, 38.5e6], residentBytes: [1_048_576, 2_097_152, 1_572_864], readBytes: [0, 65_536, 131_072] } },
  'gadus.csv': { engine: 'csv', intervalMs: 20.1, t: [0, 20.1, 40.2], channels: { cpuNs: [0, 19e6, 38.5e6], residentBytes: [1_048_576, 2_097_152, 1_572_864], readBytes: [0, 65_536, 131_072] } },
  'spellings.csv': { engine: 'csv', intervalMs: 500, t: [0, 500], channels: { residentBytes: [1_048_576, 2_097_152], cpuNs: [0, 20e6], readBytes: [0, 200] } },
  'semicolons-and-quotes.csv': { engine: 'csv', intervalMs: 1000, t: [0, 1000], channels: { cpuNs: [0, 500e6], residentBytes: [1e6, 2.5e6] } },
  'psrecord.txt': { engine: 'psrecord', intervalMs: 500, t: [0, 500, 1000], channels: { cpuNs: [0, 400e6, 600e6], residentBytes: [1_572_864, 3_145_728, 2_359_296] } },
  'psrecord-io.txt': {
    engine: 'psrecord', intervalMs: 250, t: [0, 250, 500],
    channels: { cpuNs: [0, 250e6, 500e6], residentBytes: [1_572_864, 3_145_728, 3_145_728], readCalls: [0, 10, 10], writeCalls: [0, 7, 7], outputBytes: [0, 1_048_576, 2_097_152] },
  },
  'psrecord.csv': { engine: 'psrecord', intervalMs: 250, t: [0, 250], channels: { processes: [1, 2], cpuNs: [0, 250e6], residentBytes: [1_572_864, 3_145_728], readCalls: [0, 10], writeCalls: [0, 7] } },
};
const ERRORS = JSON.parse(readFileSync(file('invalid/errors.json'), 'utf8')) as Record<string, { code: string; details: string }>;

describe('trace files', () => {
  it('all have a meaning written down', () => {
    assert.deepEqual(readdirSync(file('valid')).sort(), Object.keys(MEANINGS).sort());
    assert.deepEqual(readdirSync(file('invalid')).filter((name) => name !== 'errors.json').sort(), Object.keys(ERRORS).sort());
  });
  for (const [name, meaning] of Object.entries(MEANINGS)) {
    it(`${name} is read`, async () => assert.deepEqual(plain((await readTraceFile(file(`valid/${name}`))).trace), meaning));
  }
  for (const [name, { code, details }] of Object.entries(ERRORS)) {
    it(`${name} is refused`, async () => {
      await assert.rejects(readTraceFile(file(`invalid/${name}`)), (error) => {
        assert.ok(isError(error, code), String(error));
        assert.ok(error.message.includes(details), error.message);
        return true;
      });
    });
  }
  it('names the file and what was not used', async () => {
    assert.deepEqual((await readTraceFile(file('valid/psrecord-io.txt'))).notes, ['Virtual (MB)', 'Read bytes', 'Write bytes'].map((title) => `column ${title} is not used`));
    await assert.rejects(readTraceFile(file('invalid/infinite.csv')), new RegExp(basename(file('invalid/infinite.csv'))));
  });
});
