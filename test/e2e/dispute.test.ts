import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { zeroHash, type Address } from 'viem';
import { settle } from '../../src/chain/index.ts';
import type { JobRecord } from '../../src/client/index.ts';
import type { JobSpecInput, JobState, Seat } from '../../src/protocol/index.ts';
import { COIN, finalJob, settledJob, stateOnChain, useNetwork, type TestClient } from '../network.ts';
import { until } from '../until.ts';
import { LONG_WINDOWS } from '../windows.ts';

/** Most a replica may cost here, coin units: also the client's bond and a contestant's. */
const BOND = COIN;
const nothing: JobSpecInput = { engine: 'noop', command: ['true'], payment: { maxPrice: BOND.toString() } };

describe('who does not say what is so loses', () => {
  const network = useNetwork({ nodes: 3, configure: (config) => ({ ...config, noopEngine: true, panels: false }) });

  type Standing = Awaited<ReturnType<ReturnType<typeof network>['party']>>;
  const worth = ({ free, locked }: Standing): bigint => free + locked;
  const standings = (roster: readonly Seat[]): Promise<Standing[]> => Promise.all(roster.map(({ node }) => network().party(node, 'node')));

  /** Submits a job whose client falls silent once commitments are closed. */
  const silentAfterCommit = async (client: TestClient, spec: JobSpecInput): Promise<{ record: JobRecord; job: Extract<JobState, { state: 'Committed' }> }> => {
    const record = await client.client.submit(spec, {
      windows: LONG_WINDOWS, closeOnChain: true,
      // Synchronously: the client would go on to ask for evidence.
      onProgress: ({ stage }) => { if (stage === 'committed') void client.client.stop(); },
    });
    await client.client.wait(record).catch(() => {});
    const job = client.client.stateOf(record);
    assert.ok(job?.state === 'Committed', job?.state);
    return { record, job };
  };
  const settled = async (record: JobRecord): Promise<void> => {
    await until('the job is settled', async () => await stateOnChain(network(), record.jobId) === 'Settled');
  };
  const wealthOf = async (client: TestClient): Promise<Standing> => network().party(client.address, 'client');

  test('a client that rejects an honest node loses its bond to it, and its name', async () => {
    const net = network();
    const liar = await net.client();
    const { record, job } = await silentAfterCommit(liar, nothing);
    const before = await standings(job.roster);
    const purse = await wealthOf(liar);
    await settle(liar.chain, { request: record.request, roster: job.roster, agreed: 0b110, reportDigest: zeroHash });
    await settled(record);

    const after = await standings(job.roster);
    for (const [seat, { price }] of job.roster.entries()) {
      assert.equal(worth(after[seat]!) - worth(before[seat]!), seat === 0 ? price + BOND : price, `seat ${seat}`);
      assert.ok(after[seat]!.score > before[seat]!.score);
    }
    const now = await wealthOf(liar);
    assert.equal(worth(purse) - worth(now), BOND + job.roster.reduce((sum, { price }) => sum + price, 0n));
    assert.ok(now.score < purse.score);
  });

  test('a client that rejects everybody pays everybody, and shares its bond among them', async () => {
    const net = network();
    const liar = await net.client();
    const { record, job } = await silentAfterCommit(liar, nothing);
    const before = await standings(job.roster);
    await settle(liar.chain, { request: record.request, roster: job.roster, agreed: 0, reportDigest: zeroHash });
    await settled(record);
    const after = await standings(job.roster);
    const gains = job.roster.map(({ price }, seat) => worth(after[seat]!) - worth(before[seat]!) - price);
    assert.equal(gains.reduce((sum, gain) => sum + gain, 0n), BOND);
    assert.ok(gains.every((gain) => gain >= BOND / 3n), gains.join());
  });

  test('a silent client: the nodes open, resolve and pay themselves, and rate it down', async () => {
    const net = network();
    const silent = await net.client();
    const { record, job } = await silentAfterCommit(silent, nothing);
    const before = await standings(job.roster);
    const purse = await wealthOf(silent);
    await net.travel(LONG_WINDOWS.settle + 1);
    await settled(record);

    const after = await standings(job.roster);
    const gains = job.roster.map(({ price }, seat) => worth(after[seat]!) - worth(before[seat]!) - price);
    assert.equal(gains.reduce((sum, gain) => sum + gain, 0n), BOND, 'the bond goes to those it let wait');
    assert.ok(after.every(({ score }, seat) => score > before[seat]!.score));
    const now = await wealthOf(silent);
    assert.equal(now.locked, 0n);
    assert.ok(now.score < purse.score);
    // What the client finds when it comes back.
    await silent.stop();
    const again = await net.client(silent);
    const known = again.client.find(record.jobId);
    await again.client.resume(known);
    const state = await finalJob(again.client, known);
    assert.deepEqual(state.state === 'Settled' && state.verdicts, ['agreed', 'agreed', 'agreed']);
  });

  test('a cheat that contests loses its bond and more of its name than one that keeps quiet', async () => {
    const net = network();
    const honest = await net.client();
    const spec: JobSpecInput = { command: ['sh', '-c', 'seq 1 40000 > list; sed s/1/one/ list > /outputs/list'] };
    for (const node of net.nodes) node.send({ type: 'cheat', seat: 2, plan: { cheat: 'idle', durationMs: 100 } });
    let roster: readonly { node: Address; price: bigint }[] = [];
    let before: Standing[] | undefined;
    const stages: string[] = [];
    const record = await honest.client.submit(spec, {
      windows: LONG_WINDOWS,
      onProgress: (progress) => {
        stages.push(progress.stage);
        if (progress.stage === 'assigned') {
          roster = progress.roster as typeof roster;
          void standings(roster).then((known) => { before = known; });
        }
      },
    });
    const purse = await wealthOf(honest);
    const state = await finalJob(honest.client, record);
    for (const node of net.nodes) node.send({ type: 'honest' });
    assert.deepEqual(state.state === 'Settled' && state.verdicts, ['agreed', 'agreed', 'deviated'], JSON.stringify(record.findings));
    assert.ok(stages.includes('contested'));

    const start = await until('the standings before the verdict', () => before);
    const after = await standings(roster);
    assert.deepEqual(roster.map((_, seat) => worth(after[seat]!) - worth(start[seat]!)), [roster[0]!.price, roster[1]!.price, -BOND]);
    assert.ok(after[2]!.score < start[2]!.score);
    assert.equal(after[2]!.bad - start[2]!.bad, 8 * 256, 'rated as who contests and is wrong');
    const now = await wealthOf(honest);
    assert.ok(now.score > purse.score);
    assert.equal(worth(now), 4n * BOND - roster[0]!.price - roster[1]!.price + BOND, 'the bond is the client\'s');
  });

  test('two that differ: without a majority nobody is accused, and the client pays nothing', async () => {
    const net = network();
    const { client, address } = await net.client();
    const record = await client.submit({ command: ['cat', '/proc/sys/kernel/random/uuid'], verification: { replicas: 2, policy: 'exact', panel: false } }, { windows: LONG_WINDOWS });
    await until('both have opened', () => { const job = client.stateOf(record); return job?.state === 'Contested' && job.opened === 0b11; });
    // Until then a node may call a panel; these three nodes are too few for one.
    await network().travel(LONG_WINDOWS.dispute + LONG_WINDOWS.assign + 10);
    const state = await settledJob(client, record);
    assert.deepEqual(state.verdicts, ['undecided', 'undecided']);
    assert.match(record.findings![0]!.reason, /no majority/);
    const roster = await standings(state.roster);
    assert.deepEqual(roster.map(({ locked }) => locked), [0n, 0n]);
    const bond = 3n * BOND - worth(await net.party(address, 'client'));
    assert.ok(bond >= 0n && bond <= BOND, `${bond}`);
  });
});
