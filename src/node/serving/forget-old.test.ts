import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Hex } from 'viem';
import type { NodeComponents, NodeInit } from '../components.ts';
import type { ReplicaRecord } from '../replica-record.ts';
import { ReplicaRunner } from '../running/replica-runner.ts';
import { forgetOld } from './forget-old.ts';

const DAY_MS = 24 * 3_600_000;
const idOf = (n: number): Hex => `0x${String(n).padStart(64, '0')}`;

/** A node's folder with the evidence of five jobs, of shards and others, and their records. */
async function folder(t: { after: (done: () => Promise<void>) => void }) {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-forget-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const runner = new ReplicaRunner({} as NodeComponents, { dir, offer: { cpus: 1, memoryBytes: 1, diskBytes: 1 } } as NodeInit);
  await mkdir(join(dir, 'evidence'));
  for (const n of [1, 2, 3, 4, 5]) {
    await writeFile(join(dir, 'evidence', `${idOf(n)}.sealed`), 'sealed');
    if (n % 2 === 0) await writeFile(join(dir, 'evidence', `${idOf(n)}.windows`), 'windows');
    else await runner.shardStore(idOf(n)).put(0, { evidence: new Uint8Array(9), windowSource: new Uint8Array(9), bytes: 9, publishedBytes: 9 });
  }
  const record = (n: number, more: Partial<ReplicaRecord>): ReplicaRecord => ({ jobId: idOf(n), outcome: {}, ...more }) as ReplicaRecord;
  const records = [
    record(1, { finished: 'settled', finishedAt: 0 }), record(2, { finished: 'settled', finishedAt: 0 }), record(3, { finished: 'settled', finishedAt: 2 * DAY_MS }),
    record(4, {}), record(5, { finished: 'settled' }),
  ];
  const saved: number[] = [];
  return {
    records, saved, kept: async () => [...new Set((await readdir(join(dir, 'evidence'))).map((name) => Number(BigInt(name.split('.')[0]!))))].sort(),
    forget: (nowMs: number) => forgetOld(records, {
      keepMs: DAY_MS, nowMs, forget: (jobId) => runner.forget(jobId), save: (one) => { saved.push(records.indexOf(one) + 1); return Promise.resolve(); },
    }),
  };
}

test('evidence of jobs long over goes, shards with it; what still runs, or ended lately, stays', async (t) => {
  const { records, saved, kept, forget } = await folder(t);
  assert.equal(await forget(2 * DAY_MS), 2);
  assert.deepEqual(await kept(), [3, 4, 5]);
  assert.deepEqual([saved, records.map(({ forgotten }) => forgotten === true)], [[1, 2, 5], [true, true, false, false, false]]);
  assert.equal(await forget(2 * DAY_MS), 0, 'once each');
  // A job that ended before ends were noted has its time from when it was first looked at.
  assert.equal(await forget(4 * DAY_MS), 2);
  assert.deepEqual(await kept(), [4]);
});
