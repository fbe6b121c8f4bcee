import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { settledJob, useNetwork } from '../network.ts';
import { until } from '../until.ts';

/** The real rules, through whole nodes: an operator that permits everything still lets no job reach this machine, and the evidence has it. */
describe('jobs with a network', () => {
  const network = useNetwork({ nodes: 2, configure: (config) => ({ ...config, jobNetwork: { allow: ['localhost:*', '*.example:443'] } }) });

  test('run where the operator permits what they ask for, and their evidence says what was allowed, used and refused', async () => {
    const net = network();
    let asked = 0;
    const server = createServer((_incoming, response) => { asked++; response.end('reached'); });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      const { client } = await net.client();
      const record = await client.submit({
        command: ['sh', '-c', `for url in http://localhost:${port}/ http://127.0.0.1:${port}/ http://169.254.169.254/latest; do wget -q -O - $url || echo refused; done`],
        network: { allow: [`localhost:${port}`, 'data.example:443'] }, verification: { replicas: 2, policy: 'exact' },
      });
      assert.equal(client.specOf(record).engine, 'container', 'pinned to the engine that has a network');
      const state = await settledJob(client, record);
      assert.deepEqual(state.verdicts, ['agreed', 'agreed'], JSON.stringify(record.findings));
      const environments = [...client.exhibits(record).values()].flatMap((exhibit) => ('evidence' in exhibit ? [exhibit.evidence.environment] : []));
      assert.deepEqual(environments.map(({ network: use }) => use), [0, 1].map(() => ({ allowed: [`localhost:${port}`, 'data.example:443'], used: [], refused: 3 })));
      const folder = join(net.dir, 'result');
      await client.fetchResult(record, folder);
      assert.equal(await readFile(join(folder, 'stdout'), 'utf8'), 'refused\nrefused\nrefused\n');
      assert.equal(asked, 0);
    } finally {
      server.close();
    }
  });

  test('get no bid where they ask for more', async () => {
    const net = network();
    const { client } = await net.client();
    const seen = net.log.length;
    const record = await client.submit({ command: ['true'], network: { allow: ['data.example:443', 'other.example:80'] }, verification: { replicas: 1, audit: 0 } });
    const refusals = () => net.log.slice(seen).filter(({ line }) => JSON.stringify(line).includes('other.example:80'));
    await until('both nodes to say why they do not bid', () => refusals().length >= 2);
    assert.deepEqual(record.bids, []);
    await client.cancel(record);
  });
});
