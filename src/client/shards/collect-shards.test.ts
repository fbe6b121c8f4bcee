import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { zeroHash } from 'viem';
import { createSealKeys, encodeEvidence, encodeManifest, evidenceDigest, openWindow, sealEvidence, sealPiece, shardedOpeningOf, shardWindowSeed, drawWindows, windowSeed, windowsOf, type ShardManifest } from '../../evidence/index.ts';
import { runEvidence, runOutput, runProfile, runTrace } from '../../evidence/test-support/run.ts';
import { serve, shardsProtocol, windowsProtocol } from '../../network/index.ts';
import { addressesOf, startHost } from '../../network/hosts.test-util.ts';
import { parseCid, PLAIN_TERMS, shardedCommitment, shardName, sketchRootOf, type JobRequest, type ShardsResponse, type SignedBid } from '../../protocol/index.ts';
import { directoryCid } from '../../storage/index.ts';
import type { JobRecord } from '../book/job-record.ts';
import { createShardCollector } from './collect-shards.ts';

const COUNT = 5;
const court = { chainId: 31337, scheduler: '0x5FbDB2315678afecb367f032d93F642f64180aa3' } as const;
const keys = await createSealKeys();
const traces = Array.from({ length: COUNT }, (_, i) => runTrace({ samples: 120 + i }));
const runs = traces.map((trace) => runEvidence(trace));
const encoded = runs.map((run) => encodeEvidence(run));
const { jobId, node } = runs[0]!;
const entries = runs.map(({ resultCid }, i) => ({ name: shardName(i), cid: parseCid(resultCid), bytes: i }));
const honest: ShardManifest = {
  version: 1, jobId, node, resultCid: (await directoryCid(entries)).toString(), sketchRoot: sketchRootOf(runs.map(({ sketch }) => sketch)),
  shards: encoded.map((one, i) => ({ digest: evidenceDigest(one), bytes: i })),
};

interface Node { manifest?: ShardManifest; policy?: number; piece?: (from: number) => ShardsResponse | Promise<ShardsResponse>; windowsOf?: number }

/** A node that says what a test has it say, and the client's collector for it. */
async function against(t: TestContext, { manifest = honest, policy = 1, piece = (from) => pieceOf(encoded.slice(from, from + 2)), windowsOf: cut }: Node = {}) {
  const [server, client] = [await startHost(t), await startHost(t)];
  const asked: number[] = [];
  const counts: number[] = [];
  await serve(server, shardsProtocol, ({ from }) => { asked.push(from); return piece(from); });
  await serve(server, windowsProtocol, ({ secret, setDigest, shard = 0 }) => {
    const trace = traces[cut ?? shard]!;
    const source = { trace, output: runOutput(trace, runProfile()) };
    const windows = windowsOf(source);
    return { status: 'opened', windows: drawWindows(shardWindowSeed(windowSeed({ secret, jobId, setDigest }), shard), windows.count).map((index) => openWindow(source, windows, index)) };
  });
  const encodedManifest = encodeManifest(manifest);
  const salt = zeroHash;
  const request: JobRequest = {
    client: node, nonce: 1n, specDigest: zeroHash, replicas: 3, policy, maxPrice: 1n, stake: 1n, minScore: 0, assignWindow: 1, commitWindow: 1, settleWindow: 1, disputeWindow: 1,
    sealKey: keys.publicKey, secretHash: zeroHash, ...PLAIN_TERMS, shards: COUNT,
  };
  const collect = createShardCollector({
    host: client, court, seat: 0, privateKey: keys.privateKey, onShards: (count) => counts.push(count),
    record: {
      jobId, request, seed: zeroHash, spec: '', createdAt: 0, events: [], bids: [{ bid: { node } as SignedBid, addrs: addressesOf(server) }], commitments: {}, before: {}, after: {}, gas: {}, timingsMs: {},
    } satisfies JobRecord,
    job: { request, committed: 1, roster: [{ node, price: 1n, commitment: shardedCommitment(jobId, node, shardedOpeningOf(manifest, encodedManifest, salt)) }] },
  });
  const sealed = await sealEvidence({ court, jobId, node, sealKey: keys.publicKey, evidence: encodedManifest, opening: { salt } });
  return { asked, counts, collect: () => collect(sealed, t.signal) };
}

async function pieceOf(evidence: readonly Uint8Array[]): Promise<ShardsResponse> {
  return { status: 'sealed', sealed: await sealPiece({ court, jobId, node, sealKey: keys.publicKey }, evidence) };
}

test('piece by piece until all is there, then the windows of the drawn shards', async (t) => {
  const { asked, counts, collect } = await against(t, { policy: 0 });
  const { encoded: got, sketches, windows } = await collect();
  assert.deepEqual(got, encoded);
  assert.deepEqual(sketches, runs.map(({ sketch }) => sketch));
  assert.deepEqual([asked, counts], [[0, 2, 4], [2, 4, 5]]);
  assert.deepEqual([...windows.keys()].sort(), [0, 1, 2, 3, 4]);
});

test('what was broken off goes on where it was', async (t) => {
  let refusals = 0;
  const { asked, collect } = await against(t, { piece: (from) => (from === 2 && refusals++ === 0 ? { status: 'refused', reason: 'later' } : pieceOf(encoded.slice(from, from + 2))) });
  await assert.rejects(collect(), { code: 'SHARDS_REFUSED' });
  await collect();
  assert.deepEqual(asked, [0, 2, 2, 4]);
});

test('evidence of another shard, or more of it than there are shards, is false', async (t) => {
  for (const piece of [() => pieceOf([encoded[1]!]), () => pieceOf([...encoded, encoded[0]!])]) {
    await assert.rejects((await against(t, { piece })).collect(), { code: 'SHARD_FALSE' });
  }
});

test('a result that is not the directory of the shards\' results is false, and a root that is not over their sketches', async (t) => {
  await assert.rejects((await against(t, { manifest: { ...honest, resultCid: runs[0]!.resultCid } })).collect(), { code: 'SHARD_FALSE' });
  await assert.rejects((await against(t, { manifest: { ...honest, sketchRoot: zeroHash } })).collect(), { code: 'SKETCH_MISMATCH' });
});

test('windows of another run are told with their shard', async (t) => {
  const { collect } = await against(t, { policy: 0, windowsOf: 0 });
  await assert.rejects(collect(), (error: Error & { code?: string }) => error.code === 'WINDOW_FALSE' && /^shard [1-4]: /.test(error.message));
});
