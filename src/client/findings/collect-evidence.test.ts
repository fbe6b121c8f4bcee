import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { zeroHash } from 'viem';
import { createSealKeys, encodeEvidence, evidenceDigest, sealEvidence } from '../../evidence/index.ts';
import { runEvidence, runTrace } from '../../evidence/test-support/run.ts';
import { evidenceProtocol, serve, type Host } from '../../network/index.ts';
import { addressesOf, startHost } from '../../network/hosts.test-util.ts';
import { cidDigest, commitmentOf, parseCid, PLAIN_TERMS, type EvidenceResponse, type JobRequest, type Opening, type SignedBid } from '../../protocol/index.ts';
import { collectEvidence } from './collect-evidence.ts';
import type { JobRecord } from '../book/job-record.ts';
import { sealKeysOf } from '../request/prepare-job.ts';

const court = { chainId: 31337, scheduler: '0x5FbDB2315678afecb367f032d93F642f64180aa3' } as const;
const seed = `0x${'5e'.repeat(32)}` as const;
const { publicKey } = await sealKeysOf(seed);
const run = runEvidence(runTrace({ samples: 100 }));
const { jobId, node } = run;
const evidence = encodeEvidence(run);
const opening: Opening = { resultDigest: cidDigest(parseCid(run.resultCid)), evidenceDigest: evidenceDigest(evidence), salt: zeroHash, sketch: run.sketch, proof: [] };
const sealedTo = async (sealKey: typeof publicKey): Promise<EvidenceResponse> => ({ status: 'sealed', sealed: await sealEvidence({ court, jobId, node, sealKey, evidence, opening }) });

/** A node that answers each request for evidence as a test has it, and what the client makes of it. */
async function against(t: TestContext, answers: readonly ((server: Host) => EvidenceResponse | Promise<EvidenceResponse>)[]) {
  const [server, client] = [await startHost(t), await startHost(t)];
  await client.dial(server.getMultiaddrs());
  let asked = 0;
  await serve(server, evidenceProtocol, () => answers[Math.min(asked++, answers.length - 1)]!(server));
  const request: JobRequest = {
    client: node, nonce: 1n, specDigest: zeroHash, replicas: 3, policy: 1, maxPrice: 1n, stake: 1n, minScore: 0, assignWindow: 1, commitWindow: 1, settleWindow: 1, disputeWindow: 1,
    sealKey: publicKey, secretHash: zeroHash, ...PLAIN_TERMS,
  };
  const record: JobRecord = {
    jobId, request, seed, spec: '{}', createdAt: 0, events: [], bids: [{ bid: { node } as SignedBid, addrs: addressesOf(server) }], commitments: {}, before: {}, after: {}, gas: {}, timingsMs: {},
  };
  const problems: string[] = [];
  const job = { request, committed: 1, roster: [{ node, price: 1n, commitment: commitmentOf(jobId, node, opening) }] };
  const exhibit = await collectEvidence(client, court, record, job, 0, t.signal, (problem) => problems.push(problem));
  return { exhibit, problems, asked };
}

const never = () => new Promise<never>(() => {});

test('an answer that is lost is asked for again: with the stream, with the connection, or for no reason at all', async (t) => {
  const cut = async (server: Host) => {
    for (const connection of server.getConnections()) connection.abort(new Error('power cut'));
    return never();
  };
  const dropped = async (server: Host) => {
    for (const { streams } of server.getConnections()) for (const stream of streams) stream.abort(new Error('lost'));
    return never();
  };
  const { exhibit, problems, asked } = await against(t, [cut, dropped, () => ({ status: 'refused', reason: 'not yet' }), never, () => sealedTo(publicKey)]);
  assert.ok('evidence' in exhibit, JSON.stringify(exhibit));
  assert.equal(asked, 5);
  assert.equal(problems.length, 4);
  assert.match(problems[2]!, /not yet/);
  assert.match(problems[3]!, /took too long/);
});

test('what does not open is a problem for good', async (t) => {
  const { exhibit, asked } = await against(t, [async () => sealedTo((await createSealKeys()).publicKey)]);
  assert.ok('problem' in exhibit && /does not open/.test(exhibit.problem), JSON.stringify(exhibit));
  assert.equal(asked, 1);
});
