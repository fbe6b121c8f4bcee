import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Hex } from 'viem';
import { settledJob, useNetwork } from '../network.ts';
import { until } from '../until.ts';
import { LONG_WINDOWS } from '../windows.ts';

const SHARDS = 10;

describe('a node that dies in the middle of its shards', () => {
  const network = useNetwork({ nodes: 3 });
  /** Shards that a node has finished, in order of its saying so. */
  const done = (index: number, jobId: Hex): number[] => network().log.flatMap(({ index: who, line }) => {
    const data = line.data as { jobId?: Hex; shard?: number } | undefined;
    return who === index && line.event === 'shard' && data?.jobId === jobId ? [data.shard!] : [];
  });

  test('comes back and runs only those that are missing, however often', async () => {
    const net = network();
    const { client } = await net.client();
    const record = await client.submit({
      command: ['sh', '-c', 'seq 1 20000 > list; sed s/1/one/ list > /outputs/list; sleep 0.5'], shards: { by: 'count', count: SHARDS }, verification: { policy: 'exact' },
    }, { windows: LONG_WINDOWS });
    const victim = 1;
    // Three deaths: more than a replica that makes no progress is forgiven.
    for (const few of [2, 4, 6]) {
      await until(`${few} shards are done`, () => done(victim, record.jobId).length >= few);
      await net.kill(victim);
      await net.restart(victim);
    }
    const state = await settledJob(client, record);
    assert.deepEqual(state.verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
    const finished = done(victim, record.jobId);
    assert.equal(new Set(finished).size, finished.length, `none is run again: ${finished.join()}`);
    assert.deepEqual(record.findings!.map(({ shards }) => shards!.count), [SHARDS, SHARDS, SHARDS]);
  });
});
