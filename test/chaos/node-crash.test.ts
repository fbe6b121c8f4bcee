import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Hex } from 'viem';
import { callApi } from '../../src/api/index.ts';
import { readJobEvents } from '../../src/chain/index.ts';
import type { Client, JobRecord } from '../../src/client/index.ts';
import type { JobSpecInput } from '../../src/protocol/index.ts';
import { reach, settledJob, useNetwork } from '../network.ts';
import { leftovers } from '../leftovers.ts';
import { until } from '../until.ts';
import { LONG_WINDOWS } from '../windows.ts';

/** Compared by its result: honest replicas are now and then told apart by their traces on a crowded machine, which is not what is looked at here. */
const work = (then = ''): JobSpecInput => ({ command: ['sh', '-c', `seq 1 40000 > list; sed s/1/one/ list > /outputs/list${then}`], verification: { policy: 'exact' } });

describe('a node that dies', () => {
  const network = useNetwork({ nodes: 3 });
  /** Where a node said last it is with a job. */
  const stageOf = (index: number, jobId: Hex): string | undefined => network().log.flatMap(({ index: who, line }) => {
    const data = line.data as { jobId?: Hex; stage?: string } | undefined;
    return who === index && line.event === 'replica' && data?.jobId === jobId ? [data.stage] : [];
  }).at(-1);
  /**
   * Has a node run a job, and kills it in the middle of that, once it is seen to be there. How long that takes is up to the machine: the job lasts longer each
   * time until it was still running when its node died.
   */
  const killedInTheMiddle = async (client: Client, victim: number, isThere: () => boolean = () => true): Promise<JobRecord> => {
    const net = network();
    for (let seconds = 2; ; seconds *= 2) {
      const record = await client.submit(work(`; sleep ${seconds}`), { windows: LONG_WINDOWS });
      const stage = () => stageOf(victim, record.jobId);
      const isThrough = () => ![undefined, 'fetching', 'running'].includes(stage());
      await until('the victim runs', () => (stage() === 'running' && isThere()) || isThrough());
      const { process: child } = net.nodes[victim]!;
      await net.kill(victim);
      // What it said before it died is heard to the end.
      await until('its channel is closed', () => !child.connected);
      if (!isThrough()) return record;
      await net.restart(victim);
      await settledJob(client, record);
    }
  };
  const over = (index: number, jobId: Hex): Promise<true> => until(`node ${index} has put the job away`, () => network().log.some(({ index: who, line }) => (
    who === index && line.event === 'job over' && (line.data as { jobId: Hex }).jobId === jobId)) || undefined);

  test('in the middle of its run: its container ends with it, the others settle without it; started again it commits nothing', async () => {
    const net = network();
    const { client } = await net.client();
    const victim = 1;
    const mounts = () => leftovers(net.dir, net.dir).mounts.filter((line) => line.includes(`/node-${victim}/`));
    const record = await killedInTheMiddle(client, victim, () => mounts().length === 2 && leftovers(net.dir, net.dir).cgroups.length > 0);
    await until(() => `what the victim ran is gone; there is ${mounts().join('\n')}`, () => mounts().length === 0);
    await until('the others have committed', () => Object.keys(record.commitments).length === 2);

    // Past half of the window the client carries what it has; past its end it closes the round without the dead one.
    await net.travel(record.request.commitWindow / 2 + 2);
    await until('two commitments are on chain', () => record.events.filter(({ type }) => type === 'CommitmentPosted').length === 2);
    await net.travel(record.request.commitWindow / 2);
    const state = await settledJob(client, record);
    const seat = state.roster.findIndex(({ node }) => net.indexOf(node) === victim);
    assert.deepEqual(state.verdicts, state.roster.map((_, i) => (i === seat ? 'absent' : 'agreed')));

    await net.restart(victim);
    await over(victim, record.jobId);
    const { locked } = await net.party(state.roster[seat]!.node, 'node');
    assert.equal(locked, 0n);
    const events = await readJobEvents(net.chain(), { jobId: record.jobId, fromBlock: 0n });
    assert.deepEqual(events.map(({ type }) => type).filter((type) => type === 'CommitmentPosted'), ['CommitmentPosted', 'CommitmentPosted']);
  });

  test('in the middle of its run, and comes back in time: it runs again, and commits once', async () => {
    const net = network();
    const { client } = await net.client();
    const victim = 2;
    const record = await killedInTheMiddle(client, victim);
    await net.restart(victim);
    const state = await settledJob(client, record);
    assert.deepEqual(state.verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
    const jobs = await callApi(net.nodes[victim]!.api, 'GET', '/v1/jobs') as { jobId: Hex; attempts: number }[];
    assert.equal(jobs.find(({ jobId }) => jobId === record.jobId)!.attempts, 2);
  });

  test('between commitment and evidence: started again it hands the evidence over from disk', async () => {
    const net = network();
    const { client } = await net.client();
    const victim = 0;
    let died: Promise<void> | undefined;
    const record = await client.submit(work(), {
      windows: LONG_WINDOWS,
      // Synchronously: the client asks for evidence right after this.
      closeOnChain: true,
      onProgress: ({ stage }) => { if (stage === 'committed') died = net.kill(victim); },
    });
    await reach(client, record, 'Committed');
    await died;
    await until('the others have handed theirs over', () => client.exhibits(record).size === 2);
    assert.equal(client.stateOf(record)!.state, 'Committed');
    await net.restart(victim);
    const state = await settledJob(client, record);
    assert.deepEqual(state.verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
  });

  test('while bids are gathered: started again it is drawn and runs', async () => {
    const net = network();
    const running = await net.client();
    const { client } = running;
    const victim = 1;
    await net.kill(victim);
    // All three are needed, so the job stays open until the dead one is back.
    const record = await client.submit(work(), { windows: LONG_WINDOWS });
    await until('two bids', () => record.bids.length === 2);
    await net.restart(victim);
    const state = await settledJob(client, record);
    assert.deepEqual(state.verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
  });

  test('after its bid: started again it is drawn and runs', async () => {
    const net = network();
    const { client } = await net.client();
    const victim = 2;
    let died: Promise<void> | undefined;
    const record = await client.submit(work(), {
      windows: LONG_WINDOWS,
      onProgress: (progress) => { if (progress.stage === 'bid' && net.indexOf(progress.node as Hex) === victim) died = net.kill(victim); },
    });
    await until('the victim has bid', () => died !== undefined);
    await died;
    // All bids are there, so it is drawn all the same.
    await reach(client, record, 'Assigned');
    await net.restart(victim);
    const state = await settledJob(client, record);
    assert.deepEqual(state.verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
  });
});
