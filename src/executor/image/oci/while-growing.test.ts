import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isError } from '../../../protocol/index.ts';
import { PULL_LOOK_MS } from '../../constants.ts';
import { ExecutorError } from '../../errors.ts';
import { whileGrowing } from './while-growing.ts';

/** Work that goes on until it is told to end. */
const endless = (signal: AbortSignal) => new Promise<never>((_, reject) => { signal.addEventListener('abort', () => reject(new ExecutorError('ABORTED', 'ended')), { once: true }); });

describe('whileGrowing', () => {
  let directory: string;
  before(() => { directory = mkdtempSync(path.join(tmpdir(), 'gadus-growing-')); });
  after(() => rmSync(directory, { recursive: true }));
  const write = (bytes: number) => writeFileSync(path.join(directory, 'file'), Buffer.alloc(bytes));

  test('goes on for as long as something comes, however long, and tells how much', async () => {
    const seen: number[] = [];
    const limits = { silenceMs: 2 * PULL_LOOK_MS, maxBytes: 1000 };
    const done = await whileGrowing(directory, { ...limits, onBytes: (bytes) => { seen.push(bytes); write(bytes + 10); } }, async () => {
      write(10);
      while (seen.length < 5) await new Promise((resolve) => { setTimeout(resolve, 10); });
      return 'whole';
    });
    assert.equal(done, 'whole');
    assert.deepEqual(seen.slice(0, 5), [10, 20, 30, 40, 50]);
  });

  test('ends what stopped coming, what comes without end, and what was asked to end', async () => {
    write(100);
    const quiet = { silenceMs: 2 * PULL_LOOK_MS, maxBytes: 1000, onBytes: () => {} };
    await assert.rejects(whileGrowing(directory, quiet, endless), (error) => isError(error, 'REGISTRY_FAILED'));
    await assert.rejects(whileGrowing(directory, { ...quiet, maxBytes: 99 }, endless), (error) => isError(error, 'IMAGE_TOO_LARGE'));
    await assert.rejects(whileGrowing(directory, { ...quiet, silenceMs: 60_000, signal: AbortSignal.timeout(1) }, endless), (error) => isError(error, 'ABORTED'));
    await assert.rejects(whileGrowing(directory, quiet, () => Promise.reject(new RangeError('its own'))), RangeError);
  });
});
