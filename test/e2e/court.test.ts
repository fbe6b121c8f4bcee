import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { bytesToHex, toHex, zeroHash, type Hex } from 'viem';
import { assign, postBids, readJobEvents, readSeed, signBid, submit, waitForBlock } from '../../src/chain/index.ts';
import type { JobRecord } from '../../src/client/index.ts';
import { prepareJob, secretOf } from '../../src/client/request/prepare-job.ts';
import { announceJobs, evidenceProtocol, request } from '../../src/network/index.ts';
import {
  hasClaim, isAudited, jobIdOf, parseJobSpec, possessionOf, possessionPicks, possessionProofs, possessionRoot, postedBids, replay, type JobSpecInput, type JobState,
} from '../../src/protocol/index.ts';
import { COIN, reach, settledJob, stateOnChain, useNetwork, type TestClient } from '../network.ts';
import { startPuppet, type Puppet } from '../puppet.ts';
import { until } from '../until.ts';
import { LONG_WINDOWS } from '../windows.ts';

const WINDOWS = { windows: LONG_WINDOWS };
/** Blocks to post bids in: every message makes two here. */
const BID_BLOCKS = 40;
/** Of a window for bids, seconds: longer than a slow machine takes for what is between two journeys in time. */
const EIGHTH = 900;
/** Work that leaves a trace which an idle process does not. */
const work: JobSpecInput = { command: ['sh', '-c', 'seq 1 40000 > list; sed s/1/one/ list > /outputs/list'] };
/** The same in four shards. */
const shardedWork: JobSpecInput = { command: ['sh', '-c', 'seq $((GADUS_SHARD * 1000)) $((GADUS_SHARD * 1000 + 30000)) > list; sed s/1/one/ list > /outputs/list'], shards: { by: 'count', count: 4 } };
const stakeOf = ({ request: { stake } }: JobRecord): bigint => stake;

describe('what the court does about single replicas, disagreement, left-out bids and false claims', () => {
  const network = useNetwork({ nodes: 5, configure: (config) => ({ ...config, noopEngine: true, postBids: 'unacknowledged' }) });
  let client: TestClient;
  let puppet: Puppet;
  before(async () => {
    client = await network().client();
    puppet = await startPuppet(network());
  });

  const cheat = (seat: number) => { for (const node of network().nodes) node.send({ type: 'cheat', seat, plan: { cheat: 'idle', durationMs: 50 } }); };
  const cheatInShard = (seat: number, shard: number) => { for (const node of network().nodes) node.send({ type: 'cheat', seat, plan: { cheat: 'idle', durationMs: 50, shard } }); };
  const honest = () => { for (const node of network().nodes) node.send({ type: 'honest' }); };
  const eventsOf = (jobId: Hex) => readJobEvents(network().chain(), { jobId, fromBlock: 0n });
  const worth = async (address: Hex): Promise<bigint> => { const { free, locked } = await network().party(address, 'node'); return free + locked; };

  const mineBidBlocks = () => puppet.chain.client.request({ method: 'anvil_mine', params: [toHex(BID_BLOCKS)] } as never);

  /** Lets time pass until newcomers may be drawn, their bids being on chain. */
  const drawNewcomers = async (record: JobRecord): Promise<void> => {
    const { roster } = await reach(client.client, record, 'Widening');
    await until('the newcomers\' bids are on chain', () => postedBids(record.events, 1).length > roster.length);
    await network().travel(LONG_WINDOWS.assign / 4 + 1);
  };

  test('an audit is drawn when the secret says so, and only then', async () => {
    const seen = new Set<boolean>();
    for (let i = 0; i < 40 && seen.size < 2; i++) {
      const record = await client.client.submit({ engine: 'noop', command: ['true'], verification: { replicas: 1, audit: 0.5 } }, WINDOWS);
      const { roster } = await until('the replica has committed', () => {
        const job = client.client.stateOf(record);
        return job !== undefined && 'roster' in job && record.commitments[job.roster[0]!.node.toLowerCase()] !== undefined ? job : undefined;
      });
      const { commitment } = record.commitments[roster[0]!.node.toLowerCase()]!;
      const drawn = isAudited(secretOf(record.seed), 5000, record.jobId, commitment);
      seen.add(drawn);
      if (drawn) {
        await reach(client.client, record, 'Widening');
        // Whoever has the secret now, the evidence stays where it is until the newcomers have committed.
        const { addrs } = network().nodes[network().indexOf(roster[0]!.node)]!;
        const answer = await request(puppet.host, addrs, evidenceProtocol, { jobId: record.jobId, reveal: { secret: secretOf(record.seed), auditBps: 5000 } });
        assert.equal(answer.status, 'refused');
        await drawNewcomers(record);
      }
      const { verdicts } = await settledJob(client.client, record);
      assert.deepEqual(verdicts, drawn ? ['agreed', 'agreed', 'agreed'] : ['agreed'], JSON.stringify(record.findings));
      assert.equal((await eventsOf(record.jobId)).some(({ type }) => type === 'WideningCalled'), drawn);
      // The chain keeps the best bids and says nothing of the others: they are not sent to it again.
      assert.ok((record.gas.postBids ?? 0) < 400_000, `${record.gas.postBids} gas for posting bids`);
    }
    assert.equal(seen.size, 2);
  });

  test('the only replica hands its evidence to nobody who does not show that the job is not drawn', async () => {
    const record = await client.client.submit({ engine: 'noop', command: ['true'], verification: { replicas: 1, audit: 0 } }, { ...WINDOWS, closeOnChain: true });
    const { roster } = await settledJob(client.client, record);
    const { addrs } = network().nodes[network().indexOf(roster[0]!.node)]!;
    // Settled: nobody can be drawn any more.
    assert.equal((await request(puppet.host, addrs, evidenceProtocol, { jobId: record.jobId })).status, 'sealed');
  });

  /** An only replica that cheats is audited: what became of its stake, and of those that checked it. */
  const auditCheat = async (job: JobSpecInput): Promise<JobRecord> => {
    const before = new Map(await Promise.all(network().nodes.map(async ({ address }) => [address.toLowerCase(), await worth(address)] as const)));
    const record = await client.client.submit({ ...job, verification: { replicas: 1, audit: 1 } }, WINDOWS);
    await drawNewcomers(record);
    await reach(client.client, record, 'Assigned');
    const { verdicts, roster } = await settledJob(client.client, record);
    honest();
    assert.deepEqual(verdicts, ['deviated', 'agreed', 'agreed'], JSON.stringify(record.findings));
    const [cheater, ...others] = roster;
    const lost = before.get(cheater!.node.toLowerCase())! - await worth(cheater!.node);
    // It contests, which costs it its bond as well.
    assert.equal(lost, stakeOf(record) / 2n + record.request.maxPrice);
    for (const { node, price } of others) assert.equal(await worth(node) - before.get(node.toLowerCase())!, price);
    return record;
  };

  test('a cheat that is audited loses half its stake', async () => {
    cheat(0);
    await auditCheat(work);
  });

  test('two that differ: fresh nodes decide, and who is wrong pays for them', async () => {
    cheat(1);
    const stages: string[] = [];
    const record = await client.client.submit({ ...work, verification: { replicas: 2 } }, { ...WINDOWS, onProgress: ({ stage }) => stages.push(stage) });
    await drawNewcomers(record);
    const { verdicts } = await settledJob(client.client, record);
    honest();
    assert.deepEqual(verdicts, ['agreed', 'deviated', 'agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
    for (const stage of ['contested', 'widening', 'widened']) assert.ok(stages.includes(stage), stage);
  });

  test('a job of shards is audited as a whole: who skipped one shard loses half its stake', async () => {
    cheatInShard(0, 1);
    const record = await auditCheat(shardedWork);
    assert.equal(record.events.findLast((event) => event.type === 'VerdictPosted')!.shard, 1, 'it contests by that shard');
  });

  test('two that differ in one shard: a panel runs all of them, and its verdict names that one', async () => {
    cheatInShard(1, 2);
    const record = await client.client.submit({ ...shardedWork, verification: { replicas: 2 } }, WINDOWS);
    await drawNewcomers(record);
    const { verdicts } = await settledJob(client.client, record);
    honest();
    assert.deepEqual(verdicts, ['agreed', 'deviated', 'agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
    const named = record.events.flatMap((event) => (event.type === 'VerdictPosted' ? [event.shard] : []));
    assert.deepEqual(named, [2, 2], 'the verdict before the panel and the one after it');
    const opened = record.events.flatMap((event) => (event.type === 'SketchOpened' ? [event.opening.proof.length] : []));
    assert.deepEqual([...new Set(opened)], [2]);
  });

  test('a node killed while newcomers are drawn goes on where it was', async () => {
    const net = network();
    const record = await client.client.submit({ engine: 'noop', command: ['true'], verification: { replicas: 1, audit: 1 } }, WINDOWS);
    const { roster } = await reach(client.client, record, 'Widening');
    const index = net.indexOf(roster[0]!.node);
    await net.kill(index);
    await drawNewcomers(record);
    await net.restart(index);
    const { verdicts } = await settledJob(client.client, record);
    assert.deepEqual(verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
  });

  test('a client that goes away while newcomers are drawn: nodes post their bids and draw, and it goes on when it comes back', async () => {
    const net = network();
    const leaving = await net.client();
    const { jobId } = await leaving.client.submit({ engine: 'noop', command: ['true'], verification: { replicas: 1, audit: 1 } }, WINDOWS);
    await reach(leaving.client, leaving.client.find(jobId), 'Widening');
    await leaving.stop();
    await net.travel(LONG_WINDOWS.assign / 8 + 1);
    await until('bids for both seats are on chain', async () => postedBids(await eventsOf(jobId), 1).length === 2);
    await net.travel(LONG_WINDOWS.assign / 2 + 1);
    await until('the first seat has drawn newcomers', async () => await stateOnChain(net, jobId) === 'Assigned');
    const again = await net.client(leaving);
    const record = again.client.find(jobId);
    await again.client.resume(record);
    const { verdicts } = await settledJob(again.client, record);
    assert.deepEqual(verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
  });

  for (const { who, reach: bound } of [
    { who: 'the nodes\' bids', reach: 0n },
    { who: 'bids of nodes that come within reach when the blocks to post in are over', reach: 1n },
  ]) test(`a client that answers nobody cannot leave out ${who}`, async () => {
    const net = network();
    const { key } = await net.account();
    const chain = net.chain(key);
    const court = await chain.court();
    const spec = parseJobSpec({ engine: 'noop', command: ['true'], verification: { replicas: 2 } });
    const prepared = await prepareJob(chain.signer().address, spec, { ...LONG_WINDOWS, assign: 8 * EIGHTH }, { bidBlocks: BID_BLOCKS, reach: bound });
    const jobId = jobIdOf(court, prepared.request);
    // Nobody listens there.
    await announceJobs(puppet.host).publish({ request: prepared.request, spec: prepared.specBytes, addrs: [`/ip4/127.0.0.1/tcp/1/p2p/${net.nodes[0]!.addrs[0]!.split('/').at(-1)}`] });
    await submit(chain, { request: prepared.request });
    const seedBlock = await until('the job is open', async () => { const job = replay(await eventsOf(jobId)); return job?.state === 'Open' ? job.seedBlock : undefined; });
    if (bound !== 0n) {
      await mineBidBlocks();
      assert.equal(postedBids(await eventsOf(jobId), 0).length, 0, 'nobody was within reach');
      // From here everybody may post.
      await net.travel(6 * EIGHTH + 1);
    }
    const posted = await until('two nodes have posted their bids', async () => { const bids = postedBids(await eventsOf(jobId), 0); return bids.length === 2 ? bids : undefined; });
    await mineBidBlocks();
    await waitForBlock(chain, seedBlock + BigInt(BID_BLOCKS));
    if (bound !== 0n) await net.travel(EIGHTH);
    const own = await puppet.bidFor({ jobId } as JobRecord);
    await assert.rejects(assign(chain, { request: prepared.request, bids: [own, posted[0]!] }), { code: 'BID_LEFT_OUT' });
    const bids = postedBids(await eventsOf(jobId), 0);
    await assign(chain, { request: prepared.request, bids });
    // From here the nodes need no client: they commit, open and are paid by its silence.
    await net.travel(Math.ceil(prepared.request.commitWindow * 0.7) + 1);
    await until('the nodes have committed', async () => await stateOnChain(net, jobId) === 'Committed');
    await net.travel(LONG_WINDOWS.settle + 1);
    await until('the nodes have ended it', async () => await stateOnChain(net, jobId) === 'Settled');
    const job = replay(await eventsOf(jobId)) as Extract<JobState, { state: 'Settled' }>;
    assert.deepEqual(job.verdicts, ['agreed', 'agreed']);
  });

  test('a node that holds the input proves it in its bid, others claim nothing', async () => {
    const net = network();
    const content = randomBytes(30_000);
    const path = join(net.dir, 'held');
    await writeFile(path, content);
    const cid = await net.addData(path, [0]);
    const dataRoot = await possessionRoot([content]);
    const record = await client.client.submit(
      { engine: 'noop', command: ['true'], inputs: [{ source: cid, target: '/inputs/a' }], verification: { replicas: 5 } }, { ...WINDOWS, dataRoot },
    );
    const { roster } = await settledJob(client.client, record);
    assert.equal(roster.length, 5);
    const claims = record.bids.filter(({ bid }) => hasClaim(bid));
    assert.deepEqual(claims.map(({ bid }) => net.indexOf(bid.node)), [0]);
    const [{ bid }] = claims as [typeof record.bids[number]];
    const { chunks } = await possessionProofs([content], possessionPicks(bid.seed, dataRoot.dataBytes));
    assert.equal(bid.possession, possessionOf(chunks, bid.node));
  });

  test('who claims to hold the input and does not loses its stake when it is drawn', async () => {
    const path = join(network().dir, 'input');
    await writeFile(path, randomBytes(20_000));
    const { cid } = await client.storage.add(path);
    const input: JobSpecInput = { engine: 'noop', command: ['true'], inputs: [{ source: cid.toString(), target: '/inputs/a' }], verification: { replicas: 6 } };
    const record = await client.client.submit(input, { ...WINDOWS, bidBlocks: BID_BLOCKS });
    assert.notEqual(record.request.dataRoot, zeroHash);
    await reach(client.client, record, 'Open');
    const seed = await until('the seed is known', () => readSeed(puppet.chain, record.jobId).catch(() => undefined));
    const bid = { jobId: record.jobId, node: puppet.address, price: COIN / 2n, locality: 10_000, possession: bytesToHex(randomBytes(16)), seed, round: 0 };
    const lie = { ...bid, signature: await signBid(puppet.chain.signer(), puppet.court, bid) };
    const { ok, reason } = await puppet.bid(client.host, lie);
    assert.equal(ok, false);
    assert.match(reason ?? '', /does not hold/);
    // What the client does not take it carries to the chain itself; then the draw must take it, for there are just as many.
    await postBids(puppet.chain, { request: record.request, bids: [lie] });
    await mineBidBlocks();
    await until('it is convicted', async () => (await eventsOf(record.jobId)).some(({ type }) => type === 'FalseClaimProven'));
    const held = await worth(puppet.address);
    await until('the others have committed', () => Object.keys(record.commitments).length === 5);
    await network().travel(record.request.commitWindow / 2 + 1);
    await until('their commitments are on chain', () => { const job = client.client.stateOf(record); return job !== undefined && 'committed' in job && job.committed !== 0; });
    await network().travel(record.request.commitWindow / 2 + 10);
    const { verdicts } = await settledJob(client.client, record);
    assert.equal(verdicts.filter((verdict) => verdict === 'agreed').length, 5, verdicts.join());
    assert.equal(held - await worth(puppet.address), record.request.stake);
  });
});
