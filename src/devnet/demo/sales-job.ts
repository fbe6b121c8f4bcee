import type { JobSpecInput } from '../../protocol/index.ts';
import { writeSalesCsv } from './sales-csv.ts';
import { execFile } from 'node:child_process';
import { rm, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** Pauses of the report's job, seconds. */
const FIRST_PAUSE_SECONDS = 10;
const NEXT_PAUSE_SECONDS = 2;
const REPLACEMENTS = 10;

/** Makes the zipped table; the same rows and seed give the same bytes, so the same CID. @returns sizes in bytes */
export async function makeSalesZip(zip: string, rows: number, seed: number, signal: AbortSignal): Promise<{ csvBytes: number }> {
  const csv = join(dirname(zip), 'sales.csv');
  const csvBytes = await writeSalesCsv(csv, rows, seed, { signal });
  await utimes(csv, 1_640_995_200, 1_640_995_200);
  await promisify(execFile)('zip', ['-q', '-X', '-j', '-1', zip, csv], { signal, env: { ...process.env, TZ: 'UTC' } });
  await rm(csv);
  return { csvBytes };
}

/** The report's job on a zipped table. */
export function salesJob(cid: string, csvBytes: number, pause: number): JobSpecInput {
  const seconds = (full: number) => (full * pause).toFixed(2);
  const script = [
    'set -e', 'cd /outputs', 'unzip -q /inputs/sales.zip', `sleep ${seconds(FIRST_PAUSE_SECONDS)}`,
    `for i in $(seq ${REPLACEMENTS}); do sed -i 's/Office Supplies/Booze/' sales.csv; echo "pass $i done"; sleep ${seconds(NEXT_PAUSE_SECONDS)}; done`,
  ].join('\n');
  return {
    name: 'sales', command: ['sh', '-c', script], inputs: [{ source: cid, target: '/inputs/sales.zip' }],
    resources: { memoryBytes: '256MiB', diskBytes: Math.ceil(csvBytes * 2.5) + 64 * 1024 ** 2, timeoutMs: '30m' },
  };
}

/** How long the pauses of the job take in all, ms. */
export function pausesMs(pause: number): number {
  return (FIRST_PAUSE_SECONDS + REPLACEMENTS * NEXT_PAUSE_SECONDS) * pause * 1000;
}
