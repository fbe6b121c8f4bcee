import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readJobEvents, submit } from '../../src/chain/index.ts';
import type { JobRecord } from '../../src/client/index.ts';
import { prepareJob } from '../../src/client/request/prepare-job.ts';
import { jobIdOf, parseJobSpec, type JobSpecInput } from '../../src/protocol/index.ts';
import { openJournal } from '../../src/storage/index.ts';
import { reach, settledJob, useNetwork } from '../network.ts';
import { until } from '../until.ts';
import { LONG_WINDOWS } from '../windows.ts';
import type { ClientOrders } from './client-process.ts';

const spec: JobSpecInput = { engine: 'noop', command: ['true'] };

describe('a client that dies', () => {
  const network = useNetwork({ nodes: 3, configure: (config) => ({ ...config, noopEngine: true }) });

  for (const dieAt of ['journalled', 'submitted', 'assigned', 'commitment', 'committed', 'evidence', 'verdict']) {
    test(`at "${dieAt}": started again it carries the job to its end`, async () => {
      const net = network();
      const { key, address } = await net.account();
      const dir = join(net.dir, `dies-${dieAt}`);
      const orders: ClientOrders = { profile: net.profile, key, dir, spec, dieAt };
      const process = fork(fileURLToPath(new URL('./client-process.ts', import.meta.url)), [JSON.stringify(orders)], { silent: true });
      let stderr = '';
      process.stderr!.setEncoding('utf8').on('data', (chunk: string) => { stderr += chunk; });
      const [, signal] = await once(process, 'close') as [number | null, string | null];
      assert.equal(signal, 'SIGKILL', `it died where it should; it said ${stderr}`);

      const again = await net.client({ key, dir });
      const [record] = again.client.list();
      assert.ok(record !== undefined, 'the job is in the journal');
      const stages = new Set<string>();
      await again.client.resume(record, { onProgress: ({ stage }) => stages.add(stage) });
      const { verdicts, roster } = await settledJob(again.client, record);
      assert.deepEqual(verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));

      // Nothing was done twice.
      const events = await readJobEvents(net.chain(), { jobId: record.jobId, fromBlock: 0n });
      assert.deepEqual(events.map(({ type }) => type), [
        'Submitted', 'Assigned', 'Settled',
      ]);
      const purse = await net.party(address, 'client');
      assert.equal(purse.free, 4n * record.request.maxPrice - roster.reduce((sum, { price }) => sum + price, 0n));
      await assert.rejects(submit(net.chain(key), { request: record.request }), { code: 'WRONG_STATE' });
      await again.stop();
    });
  }

  test('with its job on chain, announced to nobody; a node restarts before the client does', async () => {
    const net = network();
    const { key, address } = await net.account();
    const dir = join(net.dir, 'unannounced');
    const { request, specBytes, seed } = await prepareJob(address, parseJobSpec(spec), LONG_WINDOWS);
    const chain = net.chain(key);
    const jobId = jobIdOf(await chain.court(), request);
    const text = new TextDecoder().decode(specBytes);
    const journal = await openJournal<JobRecord>(join(dir, 'jobs'));
    await journal.put(jobId, { jobId, createdAt: Date.now(), request, spec: text, seed, events: [], bids: [], commitments: {}, before: {}, after: {}, gas: {}, timingsMs: {} });
    const { blockNumber } = await submit(chain, { request });
    // Its cursor is past the submit, so the chain will not tell it again.
    const forgetful = 1;
    await until('the node has seen the submit', async () => {
      const cursor = JSON.parse(await readFile(join(String(net.configs[forgetful]!.dir), 'chain-cursor.json'), 'utf8')) as { block: number };
      return cursor.block >= Number(blockNumber);
    });
    await net.kill(forgetful);
    await net.restart(forgetful);

    const { client } = await net.client({ key, dir });
    const record = client.find(jobId);
    await client.resume(record);
    await reach(client, record, 'Assigned').catch(() => {});
    const { verdicts } = await settledJob(client, record);
    assert.deepEqual(verdicts, ['agreed', 'agreed', 'agreed']);
  });
});
