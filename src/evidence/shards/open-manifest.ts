import type { Hex } from 'viem';
import { cidDigest, parseCid } from '../../protocol/base/bytes.ts';
import { shardedCommitment, type ShardedOpening } from '../../protocol/shards/sharded-commitment.ts';
import { evidenceDigest } from '../encode-evidence.ts';
import { EvidenceError } from '../errors.ts';
import { requireOwn } from '../seal/open-sealed.ts';
import { unsealEvidence, type UnsealInit } from '../seal/seal.ts';
import { decodeManifest, type ShardManifest } from './manifest.ts';

/**
 * Opens the sealed manifest of a replica's shards and holds it against the commitment: from then on the digests of all shards' evidence are known.
 *
 * @param shards how many the job has
 * @throws EvidenceError SEAL_BROKEN, SEAL_KEY_INVALID, EVIDENCE_MALFORMED, EVIDENCE_TOO_LARGE, VERSION_UNKNOWN, EVIDENCE_FOREIGN, COMMITMENT_MISMATCH
 */
export async function openManifest({ commitment, shards, ...init }: UnsealInit & { commitment: Hex; shards: number }): Promise<ShardManifest> {
  const { evidence: encoded, salt } = await unsealEvidence(init);
  const manifest = decodeManifest(encoded);
  requireOwn(manifest, init);
  const actual = shardedCommitment(init.jobId, init.node, shardedOpeningOf(manifest, encoded, salt));
  if (actual !== commitment.toLowerCase()) {
    throw new EvidenceError('COMMITMENT_MISMATCH', 'the evidence is not what the node committed to', { details: `on chain ${commitment}, from the evidence ${actual}` });
  }
  if (manifest.shards.length !== shards) throw new EvidenceError('EVIDENCE_MALFORMED', 'the node ran another number of shards', { details: `${manifest.shards.length}, the job has ${shards}` });
  return manifest;
}

/** What the commitment to a manifest hides. @throws ProtocolError CID_INVALID when the result CID is not of a SHA-256 digest */
export function shardedOpeningOf({ resultCid, sketchRoot }: ShardManifest, encoded: Uint8Array, salt: Hex): ShardedOpening {
  return { resultDigest: cidDigest(parseCid(resultCid)), evidenceDigest: evidenceDigest(encoded), salt, sketchRoot };
}
