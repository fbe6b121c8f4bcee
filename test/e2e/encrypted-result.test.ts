import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseCid, shardName, type JobSpecInput } from '../../src/protocol/index.ts';
import { settledJob, useNetwork } from '../network.ts';

/** Longest that a stranger looks for what nobody gives out, ms: it is told at once, when the machine comes to it. */
const LOOKED_FOR_MS = 120_000;

describe('a result encrypted to its client', () => {
  const network = useNetwork({ nodes: 3 });

  for (const policy of ['exact', 'trace'] as const) {
    test(`three replicas agree on it by ${policy}, the client reads it, a stranger cannot`, async () => {
      const net = network();
      const { client, storage, host } = await net.client();
      const spec: JobSpecInput = {
        command: ['sh', '-c', `seq 1 30000 > /outputs/list; echo ${policy}`], result: { encrypt: true }, verification: { replicas: 3, policy },
      };
      const record = await client.submit(spec);
      const { verdicts } = await settledJob(client, record);
      assert.deepEqual(verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
      const findings = record.findings!;
      assert.equal(new Set(findings.map(({ resultCid }) => resultCid)).size, 1, 'the plain result is one');
      assert.equal(new Set(findings.map(({ encryptedResultCid }) => encryptedResultCid)).size, 3, 'the file is another of each node');
      if (policy === 'trace') assert.ok(findings.every(({ windows }) => windows?.heldAgainstResult), 'windows are held against what was decrypted');

      const folder = join(net.dir, `result-${policy}`);
      await client.fetchResult(record, folder);
      assert.equal(await readFile(join(folder, 'outputs/list'), 'utf8'), Array.from({ length: 30_000 }, (_, i) => `${i + 1}\n`).join(''));
      assert.equal(await readFile(join(folder, 'stdout'), 'utf8'), `${policy}\n`);
      await client.fetchResult(record, join(net.dir, `${policy}.car`), { car: true });
      assert.deepEqual((await storage.holdings()).map(({ why }) => why), ['fetched']);

      // The same in the clear has the same CID: what is encrypted is what would have been published.
      const { result: _, ...plainSpec } = spec;
      const stranger = await net.client();
      for (const node of net.nodes) await stranger.storage.connect(node.addrs);
      await stranger.storage.connect(host.getMultiaddrs().map(String));
      const plain = parseCid(findings[0]!.resultCid!);
      await assert.rejects(stranger.storage.fetch(plain, { signal: AbortSignal.timeout(LOOKED_FOR_MS) }), { code: 'NOT_FOUND' });
      await stranger.storage.fetch(parseCid(findings[0]!.encryptedResultCid!));
      const inTheClear = await stranger.client.submit(plainSpec);
      await settledJob(stranger.client, inTheClear);
      assert.equal(stranger.client.resultOf(inTheClear).cid, plain.toString());
    });
  }

  test('of a job of shards: all of it, or one shard; to nobody else', async () => {
    const net = network();
    const { client, storage } = await net.client();
    const record = await client.submit({
      command: ['sh', '-c', 'echo shard $GADUS_SHARD'], result: { encrypt: true }, shards: { by: 'count', count: 5 }, verification: { replicas: 3, policy: 'exact' },
    });
    const { verdicts } = await settledJob(client, record);
    assert.deepEqual(verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
    const folder = join(net.dir, 'result-shards');
    await client.fetchResult(record, folder);
    for (let shard = 0; shard < 5; shard++) assert.match(await readFile(join(folder, shardName(shard), 'stdout'), 'utf8'), new RegExp(`^shard ${shard}\n$`));
    await client.fetchResult(record, join(net.dir, 'one-shard'), { shard: 3 });
    assert.equal(await readFile(join(net.dir, 'one-shard', 'stdout'), 'utf8'), 'shard 3\n');
    const stranger = await net.client();
    for (const node of net.nodes) await stranger.storage.connect(node.addrs);
    const [finding] = record.findings!;
    await assert.rejects(stranger.storage.fetch(parseCid(finding!.resultCid!), { signal: AbortSignal.timeout(LOOKED_FOR_MS) }), { code: 'NOT_FOUND' });
    await stranger.storage.fetch(parseCid(finding!.encryptedResultCid!));
    assert.deepEqual((await storage.holdings()).map(({ why }) => why), ['fetched', 'fetched']);
  });
});
