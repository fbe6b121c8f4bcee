import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { bytesToHex, zeroHash, type Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { assign, commit, contest, open, resolve, settle, signBid, signCommitment, signLogAccess, submit } from '../../src/chain/index.ts';
import type { JobRecord } from '../../src/client/index.ts';
import { bidProtocol, commitmentProtocol, evidenceProtocol, logsProtocol, openStream, request } from '../../src/network/index.ts';
import { NO_CLAIM, type JobSpecInput } from '../../src/protocol/index.ts';
import { COIN, reach, settledJob, useNetwork, type TestClient } from '../network.ts';
import { forgedEvidence, seal, startPuppet, type Puppet } from '../puppet.ts';
import { until } from '../until.ts';
import { LONG_WINDOWS } from '../windows.ts';

/** One seat more than there are nodes: such a job waits for the puppet at every step. */
const spec: JobSpecInput = { engine: 'noop', command: ['true'], verification: { replicas: 3 } };

describe('statements and evidence that are not what they seem', () => {
  const network = useNetwork({ shared: true, nodes: 2, configure: (config) => ({ ...config, noopEngine: true }) });
  let puppet: Puppet;
  let asker: TestClient;
  before(async () => {
    puppet = await startPuppet(network());
    asker = await network().client();
  });

  /** A job that waits for the puppet's bid. */
  const openJob = async (): Promise<JobRecord> => {
    // What it said of the job before must not reach this one.
    puppet.evidence = () => ({ status: 'refused', reason: 'not now' });
    const record = await asker.client.submit(spec, { windows: LONG_WINDOWS });
    await until('the nodes have bid', () => record.bids.length === 2);
    await reach(asker.client, record, 'Open');
    return record;
  };
  /** A job that waits for the puppet's commitment, the nodes' being here. */
  const assignedJob = async (): Promise<JobRecord> => {
    const record = await openJob();
    assert.deepEqual(await puppet.bid(asker.host, await puppet.bidFor(record)), { ok: true });
    await until('the nodes have committed', () => Object.keys(record.commitments).length === 2);
    return record;
  };
  /** Ends a job honestly. */
  const finish = async (record: JobRecord): Promise<void> => {
    const forged = forgedEvidence(record, puppet.address);
    puppet.evidence = () => seal(puppet, record, forged);
    await puppet.commit(asker.host, record.jobId, forged.commitment);
    const { verdicts } = await settledJob(asker.client, record);
    assert.deepEqual(verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
  };
  const declined = async (answer: Promise<{ ok: boolean; reason?: string | undefined }>, reason: RegExp): Promise<void> => {
    const { ok, reason: given } = await answer;
    assert.equal(ok, false);
    assert.match(given ?? '', reason);
  };
  const clientAddrs = (): string[] => asker.host.getMultiaddrs().map(String);

  test('bids: every forged one is declined with a reason, and the job goes on', async () => {
    const record = await openJob();
    const other = await openJob();
    const bid = await puppet.bidFor(record);
    const say = (forged: typeof bid) => puppet.bid(asker.host, forged);
    const stranger = privateKeyToAccount(generatePrivateKey());
    await declined(say({ ...bid, signature: bytesToHex(randomBytes(65)) }), /signature/);
    await declined(say({ ...bid, signature: '0x' }), /signature/);
    await declined(say({ ...bid, signature: await signBid(stranger, puppet.court, bid) }), /signature/);
    await declined(say({ ...bid, price: bid.price + 1n }), /signature/);
    await declined(say({ ...bid, jobId: other.jobId }), /signature/);
    await declined(say({ ...bid, jobId: zeroHash }), /not a job of mine/);
    await declined(say(await puppet.bidFor(record, 2n * COIN)), /asks too much/);
    await declined(say({ ...bid, signature: await signBid(puppet.chain.signer(), { ...puppet.court, chainId: 1 }, bid) }), /signature/);
    // Who has bid is not asked again, and nobody else can change that bid.
    const known = record.bids.map(({ bid: { node, price } }) => ({ node, price }));
    await say({ ...bid, node: known[0]!.node, price: 1n });
    assert.deepEqual(record.bids.map(({ bid: { node, price } }) => ({ node, price })), known);

    for (const job of [record, other]) assert.deepEqual(await say(await puppet.bidFor(job)), { ok: true });
    for (const job of [record, other]) {
      await reach(asker.client, job, 'Assigned');
      await finish(job);
    }
  });

  test('bids of accounts without a stake do not crowd out those of nodes', async () => {
    const record = await openJob();
    for (let i = 0; i < 20; i++) {
      const nobody = privateKeyToAccount(generatePrivateKey());
      const bid = { jobId: record.jobId, node: nobody.address, price: 1n, locality: 10_000, ...NO_CLAIM };
      const signature = await signBid(nobody, puppet.court, bid);
      await declined(request(puppet.host, clientAddrs(), bidProtocol, { bid: { ...bid, signature }, addrs: [] }), /stake/);
    }
    await puppet.bid(asker.host, await puppet.bidFor(record));
    await reach(asker.client, record, 'Assigned');
    await finish(record);
  });

  test('commitments: every forged one is declined with a reason, and the job settles', async () => {
    const record = await assignedJob();
    const { jobId } = record;
    const { roster } = await reach(asker.client, record, 'Assigned');
    const other = await openJob();
    const commitment = bytesToHex(randomBytes(32));
    const say = (node: Hex, signature: Hex, job = jobId) => request(puppet.host, clientAddrs(), commitmentProtocol, { jobId: job, node, commitment, signature });
    const stranger = privateKeyToAccount(generatePrivateKey());
    const sign = (signer: typeof stranger, node: Hex, job = jobId) => signCommitment(signer, puppet.court, { jobId: job, node, commitment });
    const own = puppet.chain.signer() as typeof stranger;
    await declined(say(stranger.address, await sign(stranger, stranger.address)), /no seat/);
    await declined(say(puppet.address, await sign(stranger, puppet.address)), /signature/);
    await declined(say(puppet.address, bytesToHex(randomBytes(65))), /signature/);
    await declined(say(puppet.address, await sign(own, puppet.address, zeroHash)), /signature/);
    await declined(say(puppet.address, await sign(own, puppet.address, other.jobId), other.jobId), /no seat/);
    await declined(say(puppet.address, await sign(own, puppet.address, zeroHash), zeroHash), /not a job of mine/);
    assert.equal(Object.keys(record.commitments).length, 2);
    assert.equal(asker.client.stateOf(record)!.state, 'Assigned');
    assert.ok(roster.some(({ node }) => node === puppet.address));

    await finish(record);
    await puppet.bid(asker.host, await puppet.bidFor(other));
    await reach(asker.client, other, 'Assigned');
    await finish(other);
  });

  test('on chain: every step that is not its sender\'s to take reverts with its error', async () => {
    const record = await assignedJob();
    const { request: terms, jobId } = record;
    const { roster } = await reach(asker.client, record, 'Assigned');
    const { key } = await network().account();
    const stranger = network().chain(key);
    const commitment = bytesToHex(randomBytes(32));
    const forged = await signCommitment(stranger.signer(), puppet.court, { jobId, node: puppet.address, commitment });
    const seat = roster.findIndex(({ node }) => node === puppet.address);
    const opening = { index: seat, resultDigest: zeroHash, evidenceDigest: zeroHash, salt: zeroHash, sketch: '0x' as const, proof: [] };
    const sealed = roster.map((place) => ({ ...place, commitment: zeroHash }));

    await assert.rejects(submit(stranger, { request: { ...terms, nonce: 1n } }), { code: 'BAD_SIGNATURE' });
    await assert.rejects(submit(stranger, { request: terms }), { code: 'WRONG_STATE' });
    await assert.rejects(assign(stranger, { request: terms, bids: record.bids.map(({ bid }) => bid) }), { code: 'WRONG_STATE' });
    await assert.rejects(commit(stranger, { request: terms, roster, commitments: [{ index: seat, commitment, signature: forged }] }), { code: 'BAD_SIGNATURE' });
    await assert.rejects(commit(stranger, { request: terms, roster, commitments: [{ index: seat, commitment, signature: '0x' }] }), { code: 'BAD_SIGNATURE' });
    await assert.rejects(commit(stranger, { request: terms, roster, commitments: [{ index: 3, commitment, signature: forged }] }), { code: 'BAD_INDEX' });
    await assert.rejects(commit(stranger, { request: terms, roster: roster.toReversed(), commitments: [] }), { code: 'BAD_ROSTER' });
    await assert.rejects(settle(stranger, { request: terms, roster: sealed, agreed: 7, reportDigest: zeroHash }), { code: 'WRONG_STATE' });
    await assert.rejects(open(stranger, { request: terms, roster: sealed, openings: [opening] }), { code: 'WRONG_STATE' });

    // The client comes no further than Committed before the puppet hands its evidence over.
    puppet.evidence = () => ({ status: 'refused', reason: 'not yet' });
    const evidence = forgedEvidence(record, puppet.address);
    await puppet.commit(asker.host, jobId, evidence.commitment);
    const committed = await reach(asker.client, record, 'Committed');
    await assert.rejects(settle(stranger, { request: terms, roster: committed.roster, agreed: 7, reportDigest: zeroHash }), { code: 'BAD_SIGNATURE' });
    await assert.rejects(settle(asker.chain, { request: terms, roster: committed.roster, agreed: 8, reportDigest: zeroHash }), { code: 'BAD_VERDICT' });
    await assert.rejects(commit(stranger, { request: terms, roster, commitments: [] }), { code: 'WRONG_STATE' });
    await assert.rejects(open(stranger, { request: terms, roster: committed.roster, openings: [{ index: seat, ...evidence.opening }] }), { code: 'TOO_EARLY' });
    await assert.rejects(resolve(stranger, { request: terms, roster: committed.roster, openings: [] }), { code: 'TOO_EARLY' });
    await assert.rejects(contest(puppet.chain, { request: terms, roster: committed.roster, opening: { index: seat, ...evidence.opening } }), { code: 'WRONG_STATE' });

    puppet.evidence = () => seal(puppet, record, evidence);
    assert.deepEqual((await settledJob(asker.client, record)).verdicts, ['agreed', 'agreed', 'agreed']);
    await assert.rejects(settle(asker.chain, { request: terms, roster: committed.roster, agreed: 7, reportDigest: zeroHash }), { code: 'WRONG_STATE' });
  });

  test('evidence is kept back until commitments are closed, the log from everybody but the client', async () => {
    const record = await assignedJob();
    const { jobId } = record;
    const [node] = network().nodes;
    const ask = (job: Hex) => request(puppet.host, node!.addrs, evidenceProtocol, { jobId: job });
    const early = await ask(jobId);
    assert.ok(early.status === 'refused');
    assert.match(early.reason, /not closed.*Assigned/);
    const unknown = await ask(zeroHash);
    assert.ok(unknown.status === 'refused');
    assert.match(unknown.reason, /no evidence of that job/);

    const expires = Math.floor(Date.now() / 1000) + 1800;
    const follow = async (access: { peer: string; expires: number; signer?: Puppet['chain']; job?: Hex }): Promise<string> => {
      const { peer, signer = asker.chain, job = jobId } = access;
      const signature = await signLogAccess(signer.signer(), puppet.court, { jobId: job, peer, expires: BigInt(access.expires) });
      let text = '';
      for await (const { data } of openStream(puppet.host, node!.addrs, logsProtocol, { jobId, expires: access.expires, signature })) text += Buffer.from(data).toString();
      return text;
    };
    const peer = puppet.host.peerId.toString();
    await assert.rejects(follow({ peer, expires, signer: puppet.chain }), { code: 'REFUSED' });
    await assert.rejects(follow({ peer: asker.host.peerId.toString(), expires }), { code: 'REFUSED' });
    await assert.rejects(follow({ peer, expires: expires - 3600 }), { code: 'REFUSED' });
    await assert.rejects(follow({ peer, expires, job: zeroHash }), { code: 'REFUSED' });
    assert.match(await follow({ peer, expires }), /fetching\nrunning\npublishing\n/);
    await finish(record);
  });

  /** What a dishonest node may hand over in place of its evidence, and what the client must say of it. */
  const untrue: Record<string, { make: (record: JobRecord) => Promise<{ commitment: Hex; evidence: Puppet['evidence'] }>; reason: RegExp }> = {
    garbage: {
      reason: /does not open/,
      make: async (record) => ({ commitment: forgedEvidence(record, puppet.address).commitment, evidence: () => ({ status: 'sealed', sealed: randomBytes(5000) }) }),
    },
    'evidence of another node': {
      reason: /does not open/,
      make: async (record) => {
        const { addrs } = network().nodes[0]!;
        return { commitment: forgedEvidence(record, puppet.address).commitment, evidence: (jobId) => request(puppet.host, addrs, evidenceProtocol, { jobId }) };
      },
    },
    'evidence that names another node': {
      reason: /another job or node/,
      make: async (record) => {
        const forged = forgedEvidence(record, puppet.address, () => ({ node: network().nodes[0]!.address }));
        return { commitment: forged.commitment, evidence: () => seal(puppet, record, forged) };
      },
    },
    'evidence of another job': {
      reason: /another job or node/,
      make: async (record) => {
        const forged = forgedEvidence(record, puppet.address, () => ({ jobId: zeroHash }));
        return { commitment: forged.commitment, evidence: () => seal(puppet, record, forged) };
      },
    },
    'evidence it did not commit to': {
      reason: /not what the node committed to/,
      make: async (record) => {
        const forged = forgedEvidence(record, puppet.address);
        return { commitment: forgedEvidence(record, puppet.address).commitment, evidence: () => seal(puppet, record, forged) };
      },
    },
    'a sketch that is not its trace\'s': {
      reason: /sketch is not the one its own trace gives/,
      make: async (record) => {
        const forged = forgedEvidence(record, puppet.address, ({ sketch }) => ({ sketch: `${sketch.slice(0, -4)}1234` as Hex }));
        return { commitment: forged.commitment, evidence: () => seal(puppet, record, forged) };
      },
    },
    'an exit code of its own': {
      reason: /ended by exit with code 9/,
      make: async (record) => {
        const forged = forgedEvidence(record, puppet.address, () => ({ exitCode: 9 }));
        return { commitment: forged.commitment, evidence: () => seal(puppet, record, forged) };
      },
    },
    'nothing at all': {
      reason: /no evidence in time/,
      make: async (record) => ({ commitment: forgedEvidence(record, puppet.address).commitment, evidence: () => ({ status: 'refused', reason: 'not now, not ever' }) }),
    },
  };

  for (const [name, { make, reason }] of Object.entries(untrue)) {
    test(`handing over ${name}: its seat is rejected for that, the others are paid`, async () => {
      const net = network();
      const record = await assignedJob();
      const { roster } = await reach(asker.client, record, 'Assigned');
      const before = await Promise.all(roster.map(({ node }) => net.party(node, 'node')));
      const { commitment, evidence } = await make(record);
      puppet.evidence = evidence;
      await puppet.commit(asker.host, record.jobId, commitment);
      if (name === 'nothing at all') {
        await reach(asker.client, record, 'Committed');
        await until('the nodes have handed theirs over', () => asker.client.exhibits(record).size === 2);
        await net.travel(LONG_WINDOWS.settle / 2 + 1);
      }
      await reach(asker.client, record, 'Contestable');
      const seat = roster.findIndex(({ node }) => node === puppet.address);
      assert.match(record.findings![seat]!.reason, reason);
      await net.travel(LONG_WINDOWS.dispute + 2);
      const { verdicts } = await settledJob(asker.client, record);
      assert.deepEqual(verdicts, roster.map((_, i) => (i === seat ? 'deviated' : 'agreed')));
      for (const [i, { node, price }] of roster.entries()) {
        const now = await net.party(node, 'node');
        assert.equal(now.free + now.locked - before[i]!.free - before[i]!.locked, i === seat ? 0n : price, `pay of seat ${i}`);
      }
    });
  }
});
