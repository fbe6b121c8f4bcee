import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { JobSpecInput } from '../../src/protocol/index.ts';
import { settledJob, useNetwork } from '../network.ts';
import { startProxy } from '../proxy.ts';
import { until } from '../until.ts';
import { LONG_WINDOWS } from '../windows.ts';

const spec: JobSpecInput = { engine: 'noop', command: ['true'] };
const proxy = await startProxy();

describe('the chain cannot be reached for a while', () => {
  const network = useNetwork({
    nodes: 3,
    configure: (config) => {
      proxy.to(config.chain.rpcUrl);
      return { ...config, noopEngine: true, chain: { ...config.chain, rpcUrl: proxy.url } };
    },
  });
  before(() => { network().stopWith(() => proxy.stop()); });

  // Each is the moment before the next message to the chain.
  for (const stage of ['before', 'assigned', 'commitment', 'committed', 'verdict']) {
    test(`${stage === 'before' ? 'before the job is submitted' : `from "${stage}" on`}: all goes on afterwards`, async () => {
      const net = network();
      const { client } = await net.client(undefined, { rpcUrl: proxy.url });
      let cut = false;
      const since = net.log.length;
      const down = () => { if (!cut) { cut = true; proxy.cut(); } };
      if (stage === 'before') down();
      const record = await client.submit(spec, {
        windows: LONG_WINDOWS,
        onProgress: (progress) => { if (progress.stage === stage) down(); },
      });
      const failures = (node: number) => net.log.slice(since).filter(({ index, line }) => (
        index === node && line.event === 'chain' && (line.data as { status: string }).status === 'down')).length;
      try {
        // Pauses between tries double, so this many take seconds.
        await until('every node has tried in vain, time and again', () => [0, 1, 2].every((node) => failures(node) >= 3));
      } finally {
        proxy.restore();
      }
      const { verdicts } = await settledJob(client, record);
      assert.deepEqual(verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
    });
  }
});
