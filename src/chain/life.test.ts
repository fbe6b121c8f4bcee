import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { replay, jobIdOf, NO_CLAIM, rosterHashOf, setDigestOf, withCommitments, type JobEvent, type JobRequest, type Opening, type Seat, type SignedBid } from '../protocol/index.ts';
import {
  assign, cancel, commit, contest, expire, fund, isJobEvent, open, readCommitment, readJob, readJobEvents, readParty, readRegistrations, readScore, resolve, settle, signAssignment,
  signBid, signCancel, signCommitment, signContest, signPermit, signRequest, signVerdict, submit, withdraw, permit, commitSet, proveEquivocation, settleDirect, signCommitmentSet, verifySet, coinAllowance, coinBalance, approve, type Chain, type WriteResult,
} from './index.ts';
import { orderBids } from './actions/assign.ts';
import { COIN, commitmentFor, openingOf, random32, requestOf, sealRoster, startFixture, type Fixture } from './fixture.test-util.ts';

describe('the life of a job on anvil', () => {
  let f: Fixture;
  before(async () => { f = await startFixture(); });
  after(() => f.anvil.stop());

  const bidsFor = async (request: JobRequest, nodes = f.nodes): Promise<SignedBid[]> => {
    const court = await f.client.court();
    return Promise.all(nodes.map(async (node, i) => {
      const bid = { jobId: jobIdOf(court, request), node: node.signer().address, price: COIN / 2n, locality: 1000 * i, ...NO_CLAIM };
      return { ...bid, signature: await signBid(node.signer(), court, bid) };
    }));
  };
  const rosterOf = ({ events }: WriteResult): readonly Seat[] => {
    const assigned = events.find((event) => event.type === 'Assigned');
    assert.ok(assigned);
    return assigned.roster;
  };
  const nodeOf = (seat: Seat): Chain => f.nodes.find((node) => node.signer().address === seat.node)!;
  const errorCode = (code: string, args?: object) => (error: unknown) => {
    assert.equal((error as { code?: string }).code, code, String(error));
    if (args !== undefined) assert.deepEqual((error as { args?: object }).args, args);
    return true;
  };
  /** Submits, assigns and commits; openings by seat, all with the results given. */
  const committed = async (request: JobRequest, results: `0x${string}`[]) => {
    const court = await f.client.court();
    await submit(f.client, { request });
    const roster = rosterOf(await assign(f.client, { request, bids: await bidsFor(request) }));
    const openings: (Opening & { index: number })[] = roster.map((_, index) => ({ index, ...openingOf(results[index]!) }));
    const commitments = await Promise.all(roster.map(async (seat, index) => {
      const statement = commitmentFor(court, request, seat.node, openings[index]!);
      return { index, commitment: statement.commitment, signature: await signCommitment(nodeOf(seat).signer(), court, statement) };
    }));
    await commit(f.client, { request, roster, commitments });
    return { jobId: jobIdOf(court, request), roster: sealRoster(roster, commitments), openings };
  };

  for (const replicas of [1, 3]) {
    test(`k = ${replicas}: submit, assign, commit, settle, all carried by a stranger under signatures`, async () => {
      const { client, stranger } = f;
      const court = await client.court();
      const request = requestOf(client, { replicas });
      const jobId = jobIdOf(court, request);
      assert.equal((await readJob(client, jobId)).state, 'None');

      const steps = [await submit(stranger, { request, signature: await signRequest(client.signer(), court, request) })];
      const [first] = steps[0]!.events;
      assert.ok(first?.type === 'Submitted');
      assert.equal(first.jobId, jobId);
      assert.deepEqual(first.request, request);

      const bids = await bidsFor(request);
      steps.push(await assign(stranger, { request, bids, signature: await signAssignment(client.signer(), court, jobId, orderBids(bids)) }));
      const roster = rosterOf(steps[1]!);
      assert.equal(roster.length, replicas);
      assert.equal((await readJob(client, jobId)).rosterHash, rosterHashOf(roster));

      const result = random32();
      const commitments = await Promise.all(roster.map(async (seat, index) => {
        const statement = commitmentFor(court, request, seat.node, openingOf(result));
        return { index, commitment: statement.commitment, signature: await signCommitment(nodeOf(seat).signer(), court, statement) };
      }));
      if (replicas > 1) {
        steps.push(await commit(stranger, { request, roster, commitments: commitments.slice(0, 1) }));
        assert.equal(await readCommitment(client, jobId, 0), commitments[0]!.commitment);
      }
      steps.push(await commit(stranger, { request, roster, commitments }));

      const agreed = (1 << replicas) - 1;
      const before = await readParty(client, roster[0]!.node, 'node');
      const verdict = { jobId, setDigest: setDigestOf(sealRoster(roster, commitments)), agreed, shard: 0, reportDigest: random32() };
      steps.push(await settle(stranger, { request, roster: sealRoster(roster, commitments), agreed, reportDigest: verdict.reportDigest, signature: await signVerdict(client.signer(), court, verdict) }));
      const paid = await readParty(client, roster[0]!.node, 'node');
      assert.equal(paid.free + paid.locked - before.free - before.locked, COIN / 2n);
      assert.equal(paid.locked, before.locked - request.stake);

      const job = replay(steps.flatMap(({ events }) => events).filter(isJobEvent) as JobEvent[]);
      assert.ok(job?.state === 'Settled');
      assert.deepEqual(job.verdicts, Array.from({ length: replicas }, () => 'agreed'));
      assert.equal((await readJob(client, jobId)).state, 'Settled');
      assert.deepEqual(await readJobEvents(client, { jobId, fromBlock: f.deployment.deploymentBlock }), steps.flatMap(({ events }) => events).filter(isJobEvent));
      assert.ok(steps.every(({ gasUsed, ms }) => gasUsed > 21_000n && ms > 0));
      assert.ok(await readScore(client, roster[0]!.node, 'node') > 0);
    });
  }

  test('a rejected node contests and wins by the contract\'s own majority', async () => {
    const { client } = f;
    const result = random32();
    const request = requestOf(client, { policy: 1 });
    const court = await client.court();
    const { jobId, roster, openings } = await committed(request, [result, result, result]);
    await settle(client, { request, roster, agreed: 0b110, reportDigest: random32() });
    assert.equal((await readJob(client, jobId)).state, 'Contestable');
    await assert.rejects(contest(f.stranger, { request, roster, opening: openings[1]!, signature: await signContest(nodeOf(roster[1]!).signer(), court, jobId) }), errorCode('NOT_REJECTED', { index: 1 }));
    await assert.rejects(contest(nodeOf(roster[0]!), { request, roster, opening: { ...openings[0]!, salt: random32() } }), errorCode('BAD_OPENING'));
    await contest(f.stranger, { request, roster, opening: openings[0]!, signature: await signContest(nodeOf(roster[0]!).signer(), court, jobId) });
    await assert.rejects(resolve(f.stranger, { request, roster, openings: [openings[0]!] }), errorCode('TOO_EARLY'));
    await open(f.stranger, { request, roster, openings: openings.slice(1) });
    const { events } = await resolve(f.stranger, { request, roster, openings: openings.toReversed() });
    const settled = events.find((event) => event.type === 'Settled');
    assert.deepEqual(settled?.verdicts, ['agreed', 'agreed', 'agreed']);
    assert.equal(settled?.slashed, COIN);
    assert.ok((await readParty(client, client.signer().address, 'client')).bad > 0);
  });

  test('three messages: submit with a permit, assign, settle under everybody\'s signature over the set', async () => {
    const { client, stranger } = f;
    const court = await client.court();
    const value = 10n * COIN;
    await approve(stranger, { amount: 0n });
    const request = requestOf(stranger, { maxPrice: COIN / 2n, stake: COIN });
    const permit = await signPermit(stranger, { value, deadline: 1n << 40n });
    const jobId = jobIdOf(court, request);
    const steps = [await submit(client, { request, permit, signature: await signRequest(stranger.signer(), court, request) })];
    steps.push(await assign(stranger, { request, bids: await bidsFor(request) }));
    const roster = rosterOf(steps[1]!).map((seat) => ({ ...seat, commitment: random32() }));
    const setDigest = setDigestOf(roster);
    const signatures = await Promise.all(roster.map((seat) => signCommitmentSet(nodeOf(seat).signer(), court, { jobId, setDigest })));
    const set = { commitments: roster.map(({ commitment }) => commitment), signatures };
    await verifySet(court, jobId, roster, set);
    await assert.rejects(verifySet(court, jobId, roster, { ...set, signatures: signatures.toReversed() }), errorCode('BAD_SIGNATURE'));
    await assert.rejects(verifySet(court, jobId, roster, { ...set, signatures: [] }), errorCode('BAD_ROSTER'));
    const verdict = { agreed: 0b111, shard: 0, reportDigest: random32() };
    await assert.rejects(settleDirect(client, { request, roster, signatures, ...verdict }), errorCode('BAD_SIGNATURE'));
    const signature = await signVerdict(stranger.signer(), court, { jobId, setDigest, ...verdict });
    steps.push(await settleDirect(client, { request, roster, signatures, ...verdict, signature }));
    const job = replay(steps.flatMap(({ events }) => events).filter(isJobEvent) as JobEvent[]);
    assert.deepEqual(job?.state === 'Settled' && job.verdicts, ['agreed', 'agreed', 'agreed']);
  });

  test('a signed set overrides what was posted against it, and two commitments convict', async () => {
    const { client, stranger } = f;
    const court = await client.court();
    const request = requestOf(client, { policy: 1 });
    const { jobId, roster } = await committed(request, [random32(), random32(), random32()]);
    const set = { commitments: roster.map(() => random32()), signatures: [] as `0x${string}`[] };
    const closed = withCommitments(roster, set.commitments);
    set.signatures = await Promise.all(closed.map((seat) => signCommitmentSet(nodeOf(seat).signer(), court, { jobId, setDigest: setDigestOf(closed) })));
    const { events } = await commitSet(stranger, { request, roster, set, posted: true });
    const posted = events.find((event) => event.type === 'SetPosted');
    assert.deepEqual(posted?.commitments, set.commitments);
    const node = roster[0]!.node;
    const signature = await signCommitment(nodeOf(roster[0]!).signer(), court, { jobId, node, commitment: roster[0]!.commitment });
    const pledges = [{ isSet: false, commitments: [roster[0]!.commitment], signature }, { isSet: true, commitments: set.commitments, signature: set.signatures[0]! }] as const;
    await assert.rejects(proveEquivocation(stranger, { request, roster: closed, index: 0, pledges: [pledges[0], pledges[0]] }), errorCode('NO_EQUIVOCATION'));
    await proveEquivocation(stranger, { request, roster: closed, index: 0, pledges });
    await settle(client, { request, roster: closed, agreed: 0b110, reportDigest: random32() });
    const job = replay(await readJobEvents(client, { jobId, fromBlock: f.deployment.deploymentBlock }));
    assert.deepEqual(job?.state === 'Settled' && job.verdicts, ['deviated', 'agreed', 'agreed']);
  });

  test('deadlines: cancel, expire, and a verdict nobody contests', async () => {
    const { client, stranger } = f;
    const court = await client.court();
    const cancelled = requestOf(client);
    await submit(client, { request: cancelled });
    const { events } = await cancel(stranger, { request: cancelled, signature: await signCancel(client.signer(), court, jobIdOf(court, cancelled)) });
    assert.ok(events.some(({ type }) => type === 'Cancelled'));

    const abandoned = requestOf(client, { assignWindow: 30, commitWindow: 30 });
    await submit(client, { request: abandoned });
    await assert.rejects(expire(stranger, { request: abandoned }), (error: { code: string; args: { deadline: bigint }; message: string }) => {
      assert.equal(error.code, 'TOO_EARLY');
      assert.equal(typeof error.args.deadline, 'bigint');
      assert.match(error.message, /possible only after \d{4}-/);
      return true;
    });
    await f.rpc('evm_increaseTime', 31);
    assert.ok((await expire(stranger, { request: abandoned })).events.some(({ type }) => type === 'Cancelled'));

    const absent = requestOf(client, { commitWindow: 30 });
    await submit(client, { request: absent });
    const roster = rosterOf(await assign(client, { request: absent, bids: await bidsFor(absent) }));
    await f.rpc('evm_increaseTime', 31);
    assert.ok((await expire(stranger, { request: absent, roster })).events.some(({ type }) => type === 'Expired'));

    const rejected = requestOf(client, { disputeWindow: 30 });
    const { roster: seats } = await committed(rejected, [random32(), random32(), random32()]);
    await settle(client, { request: rejected, roster: seats, agreed: 0, reportDigest: random32() });
    await f.rpc('evm_increaseTime', 31);
    const settled = (await resolve(stranger, { request: rejected, roster: seats, openings: [] })).events.find(({ type }) => type === 'Settled');
    assert.ok(settled?.type === 'Settled' && settled.verdicts.every((verdict) => verdict === 'deviated'));
  });

  test('typed errors carry the contract\'s arguments', async () => {
    const { client, stranger, nodes } = f;
    const request = requestOf(client);
    await assert.rejects(submit(client, { request: requestOf(client, { replicas: 0 }) }), (error: { code: string; details: string }) => {
      assert.equal(error.code, 'BAD_REQUEST');
      assert.match(error.details, /field replicas/);
      return true;
    });
    await assert.rejects(submit(stranger, { request }), errorCode('BAD_SIGNATURE', { expected: client.signer().address }));
    await assert.rejects(assign(client, { request, bids: [] }), errorCode('WRONG_STATE', { actual: 0 }));
    await submit(client, { request });
    await assert.rejects(submit(client, { request }), errorCode('WRONG_STATE', { actual: 1 }));
    const bids = await bidsFor(request);
    await assert.rejects(assign(client, { request, bids: bids.slice(0, 2) }), errorCode('NOT_ENOUGH_BIDS', { eligible: 2n, needed: 3n }));
    await assert.rejects(assign(client, { request, bids: [bids[0]!, bids[0]!] }), errorCode('BAD_ORDER'));
    const roster = rosterOf(await assign(client, { request, bids }));
    await assert.rejects(commit(client, { request, roster: roster.toReversed(), commitments: [] }), errorCode('BAD_ROSTER'));
    await assert.rejects(commit(client, { request, roster, commitments: [{ index: 7, commitment: random32(), signature: '0x' }] }), errorCode('BAD_INDEX', { index: 7 }));
    await assert.rejects(settle(client, { request, roster: sealRoster(roster, []), agreed: 1, reportDigest: random32() }), errorCode('WRONG_STATE', { actual: 2 }));
    await assert.rejects(withdraw(client, { role: 'node', amount: 1n }), errorCode('INSUFFICIENT_FUNDS', { available: 0n, needed: 1n }));
    await approve(stranger, { amount: 0n });
    await assert.rejects(fund(stranger, { amount: 1n }), errorCode('ALLOWANCE_TOO_LOW'));
    await approve(stranger);
    await assert.rejects(fund(stranger, { amount: 5000n * COIN }), errorCode('COIN_BALANCE_TOO_LOW'));
    await approve(stranger, { amount: 0n });
    await assert.rejects(fund(stranger, { amount: 1n << 88n }), errorCode('RPC_ERROR'));
    assert.ok((await readParty(client, nodes[0]!.signer().address, 'node')).since > 0);
  });

  test('two carriers of one step: one wins, the other gets WRONG_STATE', async () => {
    const request = requestOf(f.client);
    const signature = await signRequest(f.client.signer(), await f.client.court(), request);
    const results = await Promise.allSettled([submit(f.client, { request }), submit(f.stranger, { request, signature })]);
    const failed = results.filter((result) => result.status === 'rejected');
    assert.equal(failed.length, 1);
    errorCode('WRONG_STATE')(failed[0]!.reason);
  });

  test('a permit saves the approval', async () => {
    const { stranger, client } = f;
    await approve(stranger, { amount: 0n });
    const signed = await signPermit(stranger, { value: 7n, deadline: 1n << 40n });
    await permit(client, signed);
    assert.equal(await coinAllowance(stranger), 7n);
    await fund(stranger, { amount: 7n });
    await assert.rejects(permit(client, signed), errorCode('PERMIT_INVALID'));
    const balance = await coinBalance(stranger);
    await withdraw(stranger, { role: 'client', amount: 7n });
    assert.equal(await coinBalance(stranger), balance + 7n);
  });

  test('registrations are read back', async () => {
    const registrations = await readRegistrations(f.client, { fromBlock: 0n });
    assert.deepEqual(new Set(registrations.map(({ node }) => node)), new Set(f.nodes.map((node) => node.signer().address)));
    assert.ok(registrations.every(({ profile }) => profile === '0x1234'));
  });
});
