import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Hex } from 'viem';
import { isError } from '../../protocol/base/errors.ts';
import { shardedCommitment } from '../../protocol/shards/sharded-commitment.ts';
import { sketchRootOf } from '../../protocol/statements/sketch-root.ts';
import { EVIDENCE_BYTES_PER_SAMPLE, EVIDENCE_BYTES_PER_SHARD, MAX_SHARDED_EVIDENCE_BYTES, MAX_SHARD_EVIDENCE_BYTES } from '../constants.ts';
import { encodeEvidence, evidenceDigest } from '../encode-evidence.ts';
import type { EvidenceErrorCode } from '../errors.ts';
import { createSealKeys } from '../seal/seal-keys.ts';
import { sealEvidence } from '../seal/seal.ts';
import { runEvidence, runTrace } from '../test-support/run.ts';
import { drawShards, shardWindowSeed } from './draw-shards.ts';
import { decodeManifest, encodeManifest, type ShardManifest } from './manifest.ts';
import { openManifest, shardedOpeningOf } from './open-manifest.ts';
import { shardInterval } from './shard-interval.ts';
import { openPiece, requireRoot, requireShardRoom, sealPiece } from './shard-pieces.ts';

const rejects = (code: EvidenceErrorCode, run: Promise<unknown>) => assert.rejects(run, (error) => isError(error, code) || assert.fail(String(error)));
const court = { chainId: 31337, scheduler: '0x5FbDB2315678afecb367f032d93F642f64180aa3' } as const;
const salt: Hex = `0x${'5a'.repeat(32)}`;
const runs = [60, 90, 120].map((samples) => runEvidence(runTrace({ samples })));
const { jobId, node } = runs[0]!;
const encoded = runs.map((run) => encodeEvidence(run));
const manifest: ShardManifest = {
  version: 1, jobId, node, resultCid: runs[0]!.resultCid, sketchRoot: sketchRootOf(runs.map(({ sketch }) => sketch)),
  shards: encoded.map((bytes, i) => ({ digest: evidenceDigest(bytes), bytes: 100 + i })),
};
const keys = await createSealKeys();
const context = { court, jobId, node };
const sealManifest = (bytes: Uint8Array) => sealEvidence({ ...context, sealKey: keys.publicKey, evidence: bytes, opening: { salt } });
const commitmentTo = (one: ShardManifest) => shardedCommitment(jobId, node, shardedOpeningOf(one, encodeManifest(one), salt));

describe('manifest of shards', () => {
  test('opens to what was committed to, and to nothing else', async () => {
    assert.deepEqual(decodeManifest(encodeManifest(manifest)), manifest);
    const open = { ...context, privateKey: keys.privateKey, shards: 3, commitment: commitmentTo(manifest), sealed: await sealManifest(encodeManifest(manifest)) };
    assert.deepEqual(await openManifest(open), manifest);
    const others: Partial<ShardManifest>[] = [
      { sketchRoot: sketchRootOf(runs.slice(1).map(({ sketch }) => sketch)) }, { shards: manifest.shards.toReversed() },
      { shards: manifest.shards.slice(1) }, { resultCid: 'bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4' },
    ];
    for (const change of others) await rejects('COMMITMENT_MISMATCH', openManifest({ ...open, sealed: await sealManifest(encodeManifest({ ...manifest, ...change })) }));
    await rejects('EVIDENCE_FOREIGN', openManifest({ ...open, sealed: await sealManifest(encodeManifest({ ...manifest, jobId: `0x${'77'.repeat(32)}` })) }));
    // It commits to what it ran, which is not what was asked for.
    const fewer = { ...manifest, shards: manifest.shards.slice(1) };
    await rejects('EVIDENCE_MALFORMED', openManifest({ ...open, commitment: commitmentTo(fewer), sealed: await sealManifest(encodeManifest(fewer)) }));
  });

  test('strangers\' bytes are read or refused with a typed error', () => {
    const whole = encodeManifest(manifest);
    fc.assert(fc.property(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), fc.boolean(), (at, byte, cut) => {
      const bytes = cut ? whole.slice(0, at) : whole.slice();
      if (!cut) bytes[at] = byte;
      try {
        decodeManifest(bytes);
      } catch (error) {
        assert.ok(isError(error, 'EVIDENCE_MALFORMED', 'VERSION_UNKNOWN'), String(error));
      }
    }), { numRuns: 500 });
  });
});

describe('pieces of evidence', () => {
  const seal = (pieces: readonly Uint8Array[]) => sealPiece({ ...context, sealKey: keys.publicKey }, pieces);
  const open = async (pieces: readonly Uint8Array[], from: number) => openPiece({ ...context, privateKey: keys.privateKey, sealed: await seal(pieces) }, manifest, from);

  test('open to the evidence of some shards, which the manifest has in their places', async () => {
    const rest = await open(encoded.slice(1), 1);
    assert.deepEqual(rest, [1, 2].map((i) => ({ encoded: encoded[i]!, sketch: runs[i]!.sketch, resultCid: runs[i]!.resultCid })));
    requireRoot(manifest, [runs[0]!.sketch, ...rest.map(({ sketch }) => sketch)]);
    assert.throws(() => requireRoot(manifest, runs.map(() => runs[0]!.sketch)), { code: 'SKETCH_MISMATCH' });
    await rejects('SHARD_FALSE', open([encoded[1]!], 0));
    await rejects('SHARD_FALSE', open(encoded, 1));
    await rejects('EVIDENCE_MALFORMED', open([], 0));
  });

  test('a sketch that its trace does not give is told with its shard', async () => {
    const false_ = encodeEvidence({ ...runs[0]!, sketch: runs[2]!.sketch });
    const shards = [{ digest: evidenceDigest(false_), bytes: 1 }];
    await assert.rejects(openPiece({ ...context, privateKey: keys.privateKey, sealed: await seal([false_]) }, { ...manifest, shards }, 0), /shard 0: the sketch/);
  });

  test('too much of it is refused before more is run', () => {
    requireShardRoom(7, MAX_SHARD_EVIDENCE_BYTES, 0);
    assert.throws(() => requireShardRoom(7, MAX_SHARD_EVIDENCE_BYTES + 1, 0), /shard 7/);
    assert.throws(() => requireShardRoom(7, 10, MAX_SHARDED_EVIDENCE_BYTES - 9), { code: 'EVIDENCE_TOO_LARGE' });
  });
});

test('samples are taken so far apart that all shards\' evidence fits, and not farther', () => {
  assert.equal(shardInterval(20, { count: 1000, timeoutMs: 60_000 }), 20);
  fc.assert(fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 100, max: 30 * 86_400_000 }), (count, timeoutMs) => {
    const interval = shardInterval(20, { count, timeoutMs });
    const bytes = (ms: number) => EVIDENCE_BYTES_PER_SHARD + (timeoutMs / ms) * EVIDENCE_BYTES_PER_SAMPLE;
    const fits = (ms: number) => bytes(ms) <= MAX_SHARD_EVIDENCE_BYTES * 1.000001 && count * bytes(ms) <= MAX_SHARDED_EVIDENCE_BYTES * 1.000001;
    assert.ok(fits(interval), `${interval} ms`);
    assert.ok(interval === 20 || !fits((interval / 2) * 0.999999));
  }));
});

test('drawn shards are different ones of the job, others for another seed; their windows have seeds of their own', () => {
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), fc.integer({ min: 1, max: 10_000 }), (number, count) => {
    const seed: Hex = `0x${number.toString(16).padStart(64, '0')}`;
    const drawn = drawShards(seed, count);
    assert.equal(drawn.length, Math.min(count, 8));
    assert.ok(drawn.every((shard, i) => shard >= 0 && shard < count && (i === 0 || shard > drawn[i - 1]!)));
    assert.notEqual(shardWindowSeed(seed, 0), shardWindowSeed(seed, 1));
  }), { numRuns: 50 });
  assert.notDeepEqual(drawShards(salt, 1000), drawShards(jobId, 1000));
});
