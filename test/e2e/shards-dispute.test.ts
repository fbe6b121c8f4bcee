import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { zeroHash } from 'viem';
import { settle } from '../../src/chain/index.ts';
import type { JobRecord } from '../../src/client/index.ts';
import { openedShardOf, sketchRootFrom, type JobSpecInput, type JobState, type Opening } from '../../src/protocol/index.ts';
import { COIN, finalJob, stateOnChain, useNetwork, type TestClient } from '../network.ts';
import { until } from '../until.ts';
import { LONG_WINDOWS } from '../windows.ts';

const SHARDS = 5;
const work: JobSpecInput = {
  command: ['sh', '-c', 'seq $((GADUS_SHARD * 1000)) $((GADUS_SHARD * 1000 + 30000)) > list; sed s/1/one/ list > /outputs/list'],
  shards: { by: 'count', count: SHARDS }, payment: { maxPrice: COIN.toString() },
};

describe('a dispute about one shard of many', () => {
  const network = useNetwork({ nodes: 3, configure: (config) => ({ ...config, noopEngine: true }) });

  /** Openings on chain, by seat; each leads from one shard's sketch to the root that the seat committed to. */
  const openings = ({ events }: JobRecord): Opening[] => events.flatMap((event) => (event.type === 'SketchOpened' ? [{ index: event.index, opening: event.opening }] : []))
    .sort((a, b) => a.index - b.index).map(({ opening }) => opening);
  const settled = (record: JobRecord) => until('the job is settled', async () => await stateOnChain(network(), record.jobId) === 'Settled');
  const worth = async (address: `0x${string}`, role: 'node' | 'client'): Promise<bigint> => {
    const { free, locked } = await network().party(address, role);
    return free + locked;
  };

  /** Submits a job whose client falls silent once commitments are closed. */
  const silentAfterCommit = async (client: TestClient): Promise<{ record: JobRecord; job: Extract<JobState, { state: 'Committed' }> }> => {
    const record = await client.client.submit({ ...work, engine: 'noop' }, {
      windows: LONG_WINDOWS, closeOnChain: true,
      // Synchronously: the client would go on to ask for evidence.
      onProgress: ({ stage }) => { if (stage === 'committed') void client.client.stop(); },
    });
    await client.client.wait(record).catch(() => {});
    const job = client.client.stateOf(record);
    assert.ok(job?.state === 'Committed', job?.state);
    return { record, job };
  };
  /** What the chain says of a job whose client is gone. */
  const lookedUp = async (client: TestClient, { jobId }: JobRecord): Promise<JobRecord> => {
    await client.stop();
    const again = await network().client(client);
    const record = again.client.find(jobId);
    await again.client.resume(record);
    await finalJob(again.client, record);
    return record;
  };

  test('a cheat that skipped one shard and contests has to open just that one, and loses', async () => {
    const net = network();
    const client = await net.client();
    const skipped = 3;
    for (const node of net.nodes) node.send({ type: 'cheat', seat: 2, plan: { cheat: 'idle', durationMs: 100, shard: skipped } });
    const record = await client.client.submit(work, { windows: LONG_WINDOWS });
    const state = await finalJob(client.client, record);
    for (const node of net.nodes) node.send({ type: 'honest' });
    assert.deepEqual(state.state === 'Settled' && state.verdicts, ['agreed', 'agreed', 'deviated'], JSON.stringify(record.findings));
    assert.equal(record.events.filter(({ type }) => type === 'VerdictContested').length, 1);
    const opened = openings(record);
    assert.deepEqual(opened.map(({ proof }) => proof.length), [3, 3, 3]);
    assert.notEqual(opened[2]!.sketch, opened[0]!.sketch);
    const named = record.events.find((event) => event.type === 'VerdictPosted')!;
    assert.equal(named.shard, skipped);
  });

  test('a client that rejects an honest seat over some shard loses to what the seats open there', async () => {
    const net = network();
    const liar = await net.client();
    const { record, job } = await silentAfterCommit(liar);
    const before = await Promise.all(job.roster.map(({ node }) => worth(node, 'node')));
    await settle(liar.chain, { request: record.request, roster: job.roster, agreed: 0b110, shard: SHARDS - 1, reportDigest: zeroHash });
    await settled(record);
    for (const [seat, { node, price }] of job.roster.entries()) {
      assert.equal(await worth(node, 'node') - before[seat]!, seat === 0 ? price + COIN : price, `seat ${seat}`);
    }
  });

  test('a silent client: the nodes open the shard that chance picks', async () => {
    const net = network();
    const silent = await net.client();
    const { record, job } = await silentAfterCommit(silent);
    await net.travel(LONG_WINDOWS.settle + 1);
    await settled(record);
    const known = await lookedUp(silent, record);
    const shard = openedShardOf(record.jobId, job);
    const opened = openings(known);
    assert.equal(opened.length, 3);
    // All ran nothing, so all sketches are alike and lead to one root, at the place of the shard that was drawn.
    assert.equal(new Set(opened.map(({ sketch, proof }) => sketchRootFrom(sketch, proof, shard))).size, 1);
  });
});
