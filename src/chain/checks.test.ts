import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { zeroHash, type Hex } from 'viem';
import {
  drawableAfter, isAudited, isWidenable, jobIdOf, NO_CLAIM, openedShardOf, openingsIn, possessionOf, possessionPicks, possessionProofs, possessionRoot, replay, secretHashOf, setDigestOf,
  sketchProofOf, summonDeadlineOf, type Bid, type JobRequest, type JobState, type Opening, type Seat, type SignedBid,
} from '../protocol/index.ts';
import { COIN, commitmentFor, openingOf, random32, requestOf, sealRoster, startFixture, type Fixture } from './fixture.test-util.ts';
import {
  approve, assign, audit, commit, contest, drawMore, expire, multicall, open, postBids, proveFalseClaim, readFirstSeed, readJob, readJobEvents, readParty, readSeed, register, resolve, settle, signAudit, signBid,
  signCommitment, signSummon, signVerdict, submit, summon, transferCoin, verifyBid, waitForBlock, type Chain, type WriteResult,
} from './index.ts';

const AUDIT_BPS = 10_000;

describe('checks on anvil: posted bids, claims, audits, panels, shards', () => {
  let f: Fixture;
  /** Three nodes of the fixture, and three more. */
  let nodes: Chain[];
  before(async () => {
    f = await startFixture();
    const more = [6, 7, 8].map((account) => f.connect(f.anvil.rpcUrl, account));
    const bank = f.connect(f.anvil.rpcUrl, 0);
    for (const node of more) await transferCoin(bank, { to: node.signer().address, amount: 200n * COIN });
    await Promise.all(more.map((node) => approve(node)));
    await Promise.all(more.map((node) => register(node, { amount: 100n * COIN, profile: '0x' })));
    nodes = [...f.nodes, ...more];
  });
  after(() => f.anvil.stop());

  const bidOf = async (request: JobRequest, node: Chain, change: Partial<Bid> = {}): Promise<SignedBid> => {
    const court = await f.client.court();
    const bid: Bid = { jobId: jobIdOf(court, request), node: node.signer().address, price: COIN / 2n, locality: 0, ...NO_CLAIM, ...change };
    return { ...bid, signature: await signBid(node.signer(), court, bid) };
  };
  const rosterOf = ({ events }: WriteResult): readonly Seat[] => events.flatMap((event) => (event.type === 'Assigned' || event.type === 'Widened' ? [event.roster] : [])).at(-1)!;
  const nodeOf = (seat: Seat): Chain => nodes.find((node) => node.signer().address === seat.node)!;
  const job = async (jobId: Hex): Promise<JobState> => replay(await readJobEvents(f.client, { jobId, fromBlock: f.deployment.deploymentBlock }))!;
  const later = (seconds: number) => f.rpc('evm_increaseTime', seconds);
  const code = (expected: string) => (error: unknown) => { assert.equal((error as { code?: string }).code, expected, String(error)); return true; };
  const signedCommitments = async (request: JobRequest, roster: readonly Seat[], openings: readonly Opening[], from = 0) => {
    const court = await f.client.court();
    return Promise.all(roster.slice(from).map(async (seat, i) => {
      const statement = commitmentFor(court, request, seat.node, openings[from + i]!);
      return { index: from + i, commitment: statement.commitment, signature: await signCommitment(nodeOf(seat).signer(), court, statement) };
    }));
  };
  /** Submitted, drawn among the first nodes, committed with these openings. */
  const committed = async (request: JobRequest, openings: readonly Opening[]) => {
    await submit(f.client, { request });
    const roster = rosterOf(await assign(f.client, { request, bids: await Promise.all(nodes.slice(0, request.replicas).map((node) => bidOf(request, node))) }));
    const commitments = await signedCommitments(request, roster, openings);
    await commit(f.client, { request, roster, commitments });
    return { jobId: jobIdOf(await f.client.court(), request), roster, sealed: sealRoster(roster, commitments), commitments };
  };
  /** From Widening to Committed: bids are posted, newcomers drawn, and all commit. */
  const widen = async (jobId: Hex, request: JobRequest, roster: readonly Seat[], openings: readonly Opening[]) => {
    const state = await job(jobId);
    assert.ok(state.state === 'Widening');
    await waitForBlock(f.client, state.seedBlock + 1n);
    const bids = await Promise.all(nodes.filter((node) => roster.every((seat) => seat.node !== node.signer().address)).map((node) => bidOf(request, node, { round: 1 })));
    await postBids(f.stranger, { request, roster, bids: bids.slice(0, 1) });
    const { block, time } = drawableAfter(state);
    await assert.rejects(drawMore(f.stranger, { request, roster, bids }), code('TOO_EARLY'));
    await waitForBlock(f.client, block + 1n);
    await later(time - state.since + 1);
    await assert.rejects(drawMore(f.stranger, { request, roster, bids: bids.slice(1) }), code('BID_LEFT_OUT'));
    const all = rosterOf(await drawMore(f.stranger, { request, roster, bids }));
    assert.equal(all.length, 2 * request.replicas + 1);
    const newcomers = await signedCommitments(request, all, openings, request.replicas);
    const widened = await job(jobId);
    assert.ok(widened.state === 'Assigned' && widened.committed === (1 << request.replicas) - 1);
    await commit(f.stranger, { request, roster: all, commitments: newcomers });
    const closed = await job(jobId);
    assert.ok(closed.state === 'Committed');
    assert.equal((await readJob(f.client, jobId)).rosterHash, setDigestOf(closed.roster));
    return closed;
  };

  test('a posted bid cannot be left out', async () => {
    const { client, stranger } = f;
    const request = requestOf(client, { replicas: 1, bidBlocks: 8 });
    const { events } = await submit(client, { request });
    const submitted = events.find((event) => event.type === 'Submitted')!;
    const bids = await Promise.all(nodes.slice(0, 3).map((node) => bidOf(request, node)));
    await waitForBlock(client, submitted.seedBlock + 1n);
    const posted = (await postBids(stranger, { request, bids: [bids[2]!] })).events.find((event) => event.type === 'BidPosted');
    assert.equal(posted?.bid.node, bids[2]!.node);
    assert.ok(posted!.key > 0n);
    assert.equal((await readJob(client, submitted.jobId)).posted, 1);
    await assert.rejects(assign(client, { request, bids: bids.slice(0, 2) }), code('BID_LEFT_OUT'));
    await assert.rejects(postBids(stranger, { request, bids: [bids[1]!] }), code('POSTING_OVER'));
    await assign(client, { request, bids });
    assert.equal((await job(submitted.jobId)).state, 'Assigned');
  });

  test('an audit catches a cheat, and the cheat pays for it', async () => {
    const { client, stranger } = f;
    const secret = random32();
    const request = requestOf(client, { replicas: 1, stake: 10n * COIN, secretHash: secretHashOf(secret, AUDIT_BPS) });
    const [truth, lie] = [random32(), random32()];
    const openings = [lie, truth, truth].map((result) => openingOf(result));
    const { jobId, roster, sealed } = await committed(request, openings);
    assert.ok(isAudited(secret, AUDIT_BPS, jobId, sealed[0]!.commitment));
    assert.ok(isWidenable(await job(jobId)));
    await assert.rejects(readSeed(client, zeroHash), { code: 'WRONG_STATE' }, 'of a job that nobody submitted yet');
    const firstSeed = await readSeed(client, jobId);
    const court = await client.court();
    await assert.rejects(audit(client, { request, roster: sealed, secret: random32(), auditBps: AUDIT_BPS }), code('BAD_SECRET'));
    await assert.rejects(audit(stranger, { request, roster: sealed, secret, auditBps: AUDIT_BPS }), code('BAD_SIGNATURE'));
    await audit(stranger, { request, roster: sealed, secret, auditBps: AUDIT_BPS, signature: await signAudit(client.signer(), court, { jobId, secret, auditBps: AUDIT_BPS }) });
    const closed = await widen(jobId, request, roster, openings);
    assert.notEqual(await readSeed(client, jobId), firstSeed);
    assert.equal(await readFirstSeed(client, jobId), firstSeed);
    const before = await readParty(client, roster[0]!.node, 'node');
    await settle(client, { request, roster: closed.roster, agreed: 0b110, reportDigest: random32() });
    await later(request.disputeWindow + 1);
    await resolve(stranger, { request, roster: closed.roster, openings: [] });
    const settled = await job(jobId);
    assert.deepEqual(settled.state === 'Settled' && settled.verdicts, ['deviated', 'agreed', 'agreed']);
    const now = await readParty(client, roster[0]!.node, 'node');
    assert.equal(before.free + before.locked - now.free - now.locked, 5n * COIN);
  });

  test('an audit nobody bids for leads back, once', async () => {
    const { client, stranger } = f;
    const secret = random32();
    const request = requestOf(client, { replicas: 1, secretHash: secretHashOf(secret, AUDIT_BPS) });
    const { jobId, roster, sealed } = await committed(request, [openingOf(random32())]);
    await audit(client, { request, roster: sealed, secret, auditBps: AUDIT_BPS });
    await later(request.assignWindow + 1);
    await expire(stranger, { request, roster });
    const state = await job(jobId);
    assert.ok(state.state === 'Committed' && state.widening?.lapsed);
    assert.ok(!isWidenable(state));
    await settle(client, { request, roster: sealed, agreed: 1, reportDigest: random32() });
    assert.equal((await job(jobId)).state, 'Settled');
  });

  test('a panel decides where two openings do not agree', async () => {
    const { client, stranger } = f;
    const request = requestOf(client, { replicas: 2 });
    const [truth, lie] = [random32(), random32()];
    const openings = [truth, lie, truth, truth, truth].map((result) => openingOf(result));
    const { jobId, roster, sealed } = await committed(request, openings);
    await settle(client, { request, roster: sealed, agreed: 0b01, reportDigest: random32() });
    const indexed = openings.map((opening, index) => ({ index, ...opening }));
    await contest(nodeOf(roster[1]!), { request, roster: sealed, opening: indexed[1]! });
    await open(stranger, { request, roster: sealed, openings: [indexed[0]!] });
    const contested = await job(jobId);
    assert.ok(isWidenable(contested));
    assert.equal(openedShardOf(jobId, contested), 0);
    const events = await readJobEvents(client, { jobId, fromBlock: f.deployment.deploymentBlock });
    await assert.rejects(resolve(stranger, { request, roster: sealed, openings: openingsIn(events) }), (error: { code: string; args: { deadline: bigint } }) => {
      assert.equal(error.code, 'TOO_EARLY');
      assert.equal(Number(error.args.deadline), summonDeadlineOf(contested));
      return true;
    });
    const caller = roster[0]!.node;
    const signature = await signSummon(nodeOf(roster[0]!).signer(), await client.court(), jobId);
    await summon(stranger, { request, roster: sealed, openings: openingsIn(events), caller, signature });
    const closed = await widen(jobId, request, roster, openings);
    assert.deepEqual(openingsIn(await readJobEvents(client, { jobId, fromBlock: f.deployment.deploymentBlock })), []);
    await settle(client, { request, roster: closed.roster, agreed: 0b11101, reportDigest: random32() });
    await later(request.disputeWindow + 1);
    const { events: last } = await resolve(stranger, { request, roster: closed.roster, openings: [] });
    const settled = last.find((event) => event.type === 'Settled');
    assert.deepEqual(settled?.verdicts, ['agreed', 'deviated', 'agreed', 'agreed', 'agreed']);
    assert.equal(settled?.slashed, (request.stake + 1n) / 2n);
  });

  test('a false claim to hold input is proven from the input', async () => {
    const { client, stranger } = f;
    const data = Buffer.alloc(9000, 'what the job reads ');
    const request = requestOf(client, { replicas: 1, ...(await possessionRoot([data])) });
    const { events } = await submit(client, { request });
    const submitted = events.find((event) => event.type === 'Submitted')!;
    await waitForBlock(client, submitted.seedBlock);
    const early = await Promise.all([readSeed, readFirstSeed].map((ask) => ask(client, submitted.jobId)));
    await waitForBlock(client, submitted.seedBlock + 1n);
    const seed = await readSeed(client, submitted.jobId);
    assert.deepEqual(early, [seed, seed], 'known as soon as its block is');
    const { chunks, proofs } = await possessionProofs([data], possessionPicks(seed, request.dataBytes));
    const honest = await bidOf(request, nodes[0]!, { locality: 10_000, possession: possessionOf(chunks, nodes[0]!.signer().address), seed });
    // A copy of somebody else's claim.
    const liar = await bidOf(request, nodes[1]!, { locality: 10_000, possession: honest.possession, seed });
    const court = await client.court();
    const terms = { jobId: submitted.jobId, maxPrice: request.maxPrice, seed };
    await verifyBid(court, honest, terms);
    await assert.rejects(verifyBid(court, honest, { ...terms, seed: random32() }), code('MESSAGE_INVALID'));
    await assert.rejects(verifyBid(court, honest, { ...terms, round: 1 }), code('MESSAGE_INVALID'));
    await assert.rejects(verifyBid(court, { ...honest, possession: NO_CLAIM.possession }, terms), code('MESSAGE_INVALID'));
    const roster = rosterOf(await assign(client, { request, bids: [liar] })).map((seat) => ({ ...seat, commitment: zeroHash }));
    await assert.rejects(proveFalseClaim(stranger, { request, roster, index: 0, bid: honest, chunks, proofs }), code('BAD_ROSTER'));
    await assert.rejects(proveFalseClaim(stranger, { request, roster, index: 0, bid: liar, chunks: chunks.with(0, Buffer.alloc(2048)), proofs }), code('BAD_CHUNK'));
    await proveFalseClaim(stranger, { request, roster, index: 0, bid: liar, chunks, proofs });
    const state = await job(submitted.jobId);
    assert.ok('equivocated' in state && state.equivocated === 1);
    await later(request.commitWindow + 1);
    const before = await readParty(client, liar.node, 'node');
    await expire(stranger, { request, roster });
    const now = await readParty(client, liar.node, 'node');
    assert.equal(before.free + before.locked - now.free - now.locked, request.stake);
  });

  test('one of many shards is opened, and jobs share a message', async () => {
    const { client, stranger } = f;
    const request = requestOf(client, { replicas: 1, shards: 5 });
    const second = requestOf(client, { replicas: 1 });
    const ids = (await multicall(client, [request, second].map((one) => ({ functionName: 'submit', args: [one, '0x'] })))).events.flatMap((event) => (event.type === 'Submitted' ? [event.jobId] : []));
    assert.equal(ids.length, 2);
    await assert.rejects(multicall(client, [{ functionName: 'submit', args: [second, '0x'] }]), code('WRONG_STATE'));
    const roster = rosterOf(await assign(client, { request, bids: [await bidOf(request, nodes[0]!)] }));
    const sketches = Array.from({ length: 5 }, (_, i): Hex => `0x0${i}`);
    const opening = { ...openingOf(random32()), sketch: sketches[3]!, proof: sketchProofOf(sketches, 3) };
    const court = await client.court();
    const { commitment } = commitmentFor(court, request, roster[0]!.node, opening, 3);
    const signature = await signCommitment(nodes[0]!.signer(), court, { jobId: ids[0]!, node: roster[0]!.node, commitment });
    await commit(stranger, { request, roster, commitments: [{ index: 0, commitment, signature }] });
    const sealed = sealRoster(roster, [{ index: 0, commitment }]);
    const verdict = { agreed: 0, shard: 3, reportDigest: random32() };
    await assert.rejects(settle(client, { request, roster: sealed, ...verdict, shard: 5 }), code('BAD_SHARD'));
    await settle(stranger, { request, roster: sealed, ...verdict, signature: await signVerdict(client.signer(), court, { jobId: ids[0]!, setDigest: setDigestOf(sealed), ...verdict }) });
    const state = await job(ids[0]!);
    assert.ok(state.state === 'Contestable' && openedShardOf(ids[0]!, state) === 3);
    await assert.rejects(contest(nodes[0]!, { request, roster: sealed, opening: { index: 0, ...opening, sketch: sketches[2]!, proof: sketchProofOf(sketches, 2) } }), code('BAD_OPENING'));
    await contest(nodes[0]!, { request, roster: sealed, opening: { index: 0, ...opening } });
    await resolve(stranger, { request, roster: sealed, openings: [{ index: 0, ...opening }] });
    const settled = await job(ids[0]!);
    assert.deepEqual(settled.state === 'Settled' && settled.verdicts, ['agreed']);
  });
});
