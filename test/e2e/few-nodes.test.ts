import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { settledJob, useNetwork } from '../network.ts';
import { LONG_WINDOWS } from '../windows.ts';

describe('a network of two', () => {
  const network = useNetwork({ nodes: 2 });

  test('a check that takes more nodes than there are comes to nothing at once, and that is said before the job is on chain', async () => {
    const { client } = await network().client();
    const stages: string[] = [];
    const record = await client.submit(
      { command: ['true'], verification: { replicas: 1, audit: 1 } }, { windows: LONG_WINDOWS, onProgress: ({ stage }) => stages.push(stage) },
    );
    // Its windows are hours: had it waited for one, the test would have ended first.
    assert.deepEqual((await settledJob(client, record)).verdicts, ['agreed'], JSON.stringify(record.findings));
    assert.ok(stages.indexOf('few-nodes') < stages.indexOf('assigned') && stages.includes('few-nodes') && stages.includes('widening'), stages.join(' '));
  });
});
