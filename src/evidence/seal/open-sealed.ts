import type { Address, Hex } from 'viem';
import { bytesToHex, hexToBytes, isAddressEqual } from 'viem/utils';
import { cidDigest, parseCid } from '../../protocol/base/bytes.ts';
import { commitmentOf, type Opening } from '../../protocol/statements/statements.ts';
import type { Evidence } from '../../protocol/trace/trace.ts';
import { SKETCH_ABSENT } from '../constants.ts';
import { decodeEvidence, evidenceDigest } from '../encode-evidence.ts';
import { EvidenceError } from '../errors.ts';
import { fingerprintOf } from '../fingerprint/fingerprint.ts';
import { unsealEvidence, type UnsealInit } from './seal.ts';
import { sketchOf } from '../fingerprint/sketch.ts';

/** Evidence that was checked against its commitment. */
export interface OpenedEvidence { evidence: Evidence; evidenceBytes: Uint8Array; opening: Opening }

/**
 * Opens a replica's sealed evidence and checks all that one party can check: it speaks of this job and node, its sketch is the one
 * that its own trace and output give, and it is exactly what the node committed to on chain.
 *
 * @throws EvidenceError SEAL_BROKEN, SEAL_KEY_INVALID, EVIDENCE_MALFORMED, EVIDENCE_TOO_LARGE, VERSION_UNKNOWN, TRACE_INVALID,
 * PROFILE_INVALID, EVIDENCE_FOREIGN, SKETCH_MISMATCH, COMMITMENT_MISMATCH
 */
export async function openSealed({ commitment, ...init }: UnsealInit & { commitment: Hex }): Promise<OpenedEvidence> {
  const { evidence: evidenceBytes, salt } = await unsealEvidence(init);
  const evidence = decodeEvidence(evidenceBytes);
  requireConsistent(evidence, init);
  const opening = openingOf(evidence, evidenceBytes, salt);
  const actual = commitmentOf(init.jobId, init.node, opening);
  if (actual !== commitment.toLowerCase()) {
    throw new EvidenceError('COMMITMENT_MISMATCH', 'the evidence is not what the node committed to', { details: `on chain ${commitment}, from the evidence ${actual}` });
  }
  return { evidence, evidenceBytes, opening };
}

/** Refuses evidence of another job or node, and a sketch that its own trace and output do not give. @throws EvidenceError EVIDENCE_FOREIGN, SKETCH_MISMATCH */
export function requireConsistent(evidence: Evidence, { jobId, node }: { jobId: Hex; node: Address }): void {
  requireOwn(evidence, { jobId, node });
  const recomputed = sketchOf(fingerprintOf(evidence.trace, evidence.profile));
  if (!sameSketch(hexToBytes(evidence.sketch), recomputed)) {
    throw new EvidenceError('SKETCH_MISMATCH', 'the sketch is not the one its own trace gives', { details: `stated ${evidence.sketch}, recomputed ${bytesToHex(recomputed)}` });
  }
}

/** @throws EvidenceError EVIDENCE_FOREIGN when it speaks of another job or node */
export function requireOwn(stated: { jobId: Hex; node: Address }, { jobId, node }: { jobId: Hex; node: Address }): void {
  if (stated.jobId !== jobId.toLowerCase()) throw foreign(`job ${stated.jobId}, expected ${jobId}`);
  if (!isAddressEqual(stated.node, node)) throw foreign(`node ${stated.node}, expected ${node}`);
}

/** The opening of a commitment to this evidence. @throws ProtocolError CID_INVALID when the result CID is not of a SHA-256 digest */
export function openingOf(evidence: Evidence, evidenceBytes: Uint8Array, salt: Hex): Opening {
  return { resultDigest: cidDigest(parseCid(evidence.resultCid)), evidenceDigest: evidenceDigest(evidenceBytes), salt, sketch: evidence.sketch, proof: [] };
}

/**
 * Equal up to one step a feature: the last bit of a logarithm is the JavaScript engine's choice (ECMA-262, 21.3), so two versions
 * of it may round a feature differently.
 */
function sameSketch(stated: Uint8Array, recomputed: Uint8Array): boolean {
  if (stated.length !== recomputed.length || stated[0] !== recomputed[0]) return false;
  for (let at = 1; at < stated.length; at += 2) {
    const x = (stated[at]! << 8) | stated[at + 1]!;
    const y = (recomputed[at]! << 8) | recomputed[at + 1]!;
    if (x !== y && (Math.abs(x - y) > 1 || x === SKETCH_ABSENT || y === SKETCH_ABSENT)) return false;
  }
  return true;
}

function foreign(details: string): EvidenceError {
  return new EvidenceError('EVIDENCE_FOREIGN', 'the evidence is of another job or node', { details });
}
