import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { bytesToHex, type Hex } from 'viem';
import { commit, readJobEvents, signCommitment, signCommitmentSet } from '../../src/chain/index.ts';
import type { JobRecord } from '../../src/client/index.ts';
import { evidenceProtocol, request, serve, setProtocol } from '../../src/network/index.ts';
import { replay, setDigestOf, withCommitments, type JobSpecInput, type JobState } from '../../src/protocol/index.ts';
import { reach, settledJob, stateOnChain, useNetwork } from '../network.ts';
import { forgedEvidence, seal, startPuppet, type Puppet } from '../puppet.ts';
import { until } from '../until.ts';
import { LONG_WINDOWS } from '../windows.ts';

const spec: JobSpecInput = { engine: 'noop', command: ['true'] };

describe('commitments closed by signatures in place of the chain', () => {
  const network = useNetwork({ shared: true, nodes: 2, configure: (config) => ({ ...config, noopEngine: true }) });
  let puppet: Puppet;
  /** Whether the puppet signs sets, and who has asked it to. */
  let signs = true;
  let roster: Extract<JobState, { state: 'Assigned' }>['roster'] = [];
  before(async () => {
    puppet = await startPuppet(network());
    await serve(puppet.host, setProtocol, async ({ jobId, commitments }) => {
      if (!signs) return { status: 'refused', reason: 'no' };
      const setDigest = setDigestOf(withCommitments(roster, commitments));
      return { status: 'signed', signature: await signCommitmentSet(puppet.chain.signer(), puppet.court, { jobId, setDigest }) };
    });
  });

  const eventsOf = async (jobId: Hex) => readJobEvents(network().chain(), { jobId, fromBlock: 0n });

  /** A job of the two nodes and the puppet, which has committed to the evidence returned. */
  const job = async (client: Awaited<ReturnType<ReturnType<typeof network>['client']>>) => {
    const record = await client.client.submit(spec, { windows: LONG_WINDOWS });
    await until('the nodes have bid', () => record.bids.length === 2);
    await puppet.bid(client.host, await puppet.bidFor(record));
    await until('the nodes have committed', () => Object.keys(record.commitments).length === 2);
    ({ roster } = await reach(client.client, record, 'Assigned'));
    return { record, forged: forgedEvidence(record, puppet.address) };
  };

  test('three messages; nobody hands evidence over before all have signed', async () => {
    signs = true;
    const client = await network().client();
    const { record, forged } = await job(client);
    const [node] = network().nodes;
    const ask = (set: JobRecord['set']) => request(puppet.host, node!.addrs, evidenceProtocol, {
      jobId: record.jobId, ...(set === undefined ? {} : { set: { commitments: [...set.commitments], signatures: [...set.signatures] } }),
    });
    const set = {
      commitments: roster.map(({ node: seat }) => record.commitments[seat.toLowerCase()]?.commitment ?? forged.commitment),
      signatures: roster.map(() => bytesToHex(randomBytes(65))),
    };
    assert.equal((await ask(undefined)).status, 'refused');
    assert.equal((await ask(set)).status, 'refused', 'it has signed no set yet');
    puppet.evidence = () => seal(puppet, record, forged);
    await puppet.commit(client.host, record.jobId, forged.commitment);
    assert.deepEqual((await settledJob(client.client, record)).verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
    assert.deepEqual((await eventsOf(record.jobId)).map(({ type }) => type), ['Submitted', 'Assigned', 'Settled']);
    assert.deepEqual(Object.keys(record.gas), ['submit', 'assign', 'settle']);
  });

  test('a node that does not sign: the chain closes the job', async () => {
    signs = false;
    const client = await network().client();
    const { record, forged } = await job(client);
    puppet.evidence = () => seal(puppet, record, forged);
    await puppet.commit(client.host, record.jobId, forged.commitment);
    assert.deepEqual((await settledJob(client.client, record)).verdicts, ['agreed', 'agreed', 'agreed']);
    assert.ok((await eventsOf(record.jobId)).some(({ type }) => type === 'CommitmentsClosed'));
  });

  test('a node that signs the set and posts another commitment: the set overrides, and the two signatures cost its stake', async () => {
    signs = true;
    const net = network();
    const client = await net.client();
    const { record, forged } = await job(client);
    const { jobId, request: terms } = record;
    // The others' evidence is out, the puppet's is not.
    let asked = 0;
    puppet.evidence = () => { asked++; return { status: 'refused', reason: 'not yet' }; };
    await puppet.commit(client.host, jobId, forged.commitment);
    await until('the evidence of the others is out', () => asked > 0 && [...client.client.exhibits(record).keys()].length === 2);
    await client.client.stop();

    const seat = roster.findIndex(({ node }) => node === puppet.address);
    const copy = bytesToHex(randomBytes(32));
    const signature = await signCommitment(puppet.chain.signer(), puppet.court, { jobId, node: puppet.address, commitment: copy });
    const commitments = roster.map(({ node }, index) => (index === seat ? { index, commitment: copy, signature } : { index, ...record.commitments[node.toLowerCase()]! }));
    await commit(puppet.chain, { request: terms, roster, commitments });
    await until('a node puts the set in its place', async () => {
      const now = replay(await eventsOf(jobId));
      return now !== undefined && 'roster' in now && now.roster[seat]!.commitment === forged.commitment;
    });

    const convicted = await until('a node has it convicted', async () => {
      const now = replay(await eventsOf(jobId));
      return now !== undefined && 'equivocated' in now && now.equivocated !== undefined ? now.equivocated : undefined;
    });
    assert.equal(convicted, 1 << seat);

    const before = await net.party(puppet.address, 'node');
    await net.travel(LONG_WINDOWS.settle + 1);
    await until('the nodes have opened', async () => (replay(await eventsOf(jobId)) as { opened?: number } | undefined)?.opened === (7 & ~(1 << seat)));
    await net.travel(LONG_WINDOWS.dispute + 10);
    await until('the nodes have ended it', async () => await stateOnChain(net, jobId) === 'Settled');
    const after = await net.party(puppet.address, 'node');
    assert.equal(before.free + before.locked - after.free - after.locked, terms.stake, 'its whole stake');
    assert.equal(after.bad - before.bad, 8 * 256);
  });
});
