import { randomBytes } from 'node:crypto';
import { bytesToHex, keccak256, type Address, type Hex } from 'viem';
import { createSealKeys } from '../../evidence/index.ts';
import { auditBpsFor, BPS, encodeSpec, PLAIN_TERMS, POLICIES, secretHashOf, specDigest, type JobRequest, type JobSpec } from '../../protocol/index.ts';
import { MAX_SEAL_KEYS } from '../constants.ts';

/** Seconds of each window; see JobRequest. */
export interface Windows { assign: number; commitMargin: number; settle: number; dispute: number }

export interface PreparedJob {
  request: JobRequest;
  specBytes: Uint8Array;
  seed: Hex;
  /** Chance of an audit, basis points, of a job of one replica. */
  auditBps: number;
}

/** Terms that are not in the spec. */
export interface DrawTerms extends Pick<JobRequest, 'reach' | 'bidBlocks' | 'shards' | 'dataRoot' | 'dataBytes'> {}

/**
 * Turns a spec whose names are resolved into the request the client signs, with a fresh nonce, sealing key and secret. A node may run shards
 * one after the other.
 */
export async function prepareJob(client: Address, spec: JobSpec, { assign, commitMargin, settle, dispute }: Windows, terms: Partial<DrawTerms> = {}): Promise<PreparedJob> {
  const specBytes = encodeSpec(spec);
  const seed = bytesToHex(randomBytes(32));
  const { publicKey } = await sealKeysOf(seed);
  const auditBps = auditBpsOf(spec);
  return {
    specBytes, seed, auditBps,
    request: {
      client,
      nonce: randomBytes(8).readBigUInt64BE(),
      specDigest: specDigest(specBytes),
      replicas: spec.verification.replicas,
      policy: POLICIES.indexOf(spec.verification.policy),
      maxPrice: BigInt(spec.payment.maxPrice),
      stake: BigInt(spec.payment.stake),
      minScore: spec.verification.minScoreBps,
      assignWindow: assign,
      commitWindow: Math.ceil(((terms.shards ?? 1) * spec.resources.timeoutMs) / 1000) + commitMargin,
      settleWindow: settle,
      disputeWindow: dispute,
      sealKey: publicKey,
      secretHash: secretHashOf(secretOf(seed), auditBps),
      ...PLAIN_TERMS, ...terms,
    },
  };
}

/** The job's sealing key pair: derived, so that the journal holds one seed a job. */
export function sealKeysOf(seed: Hex): ReturnType<typeof createSealKeys> {
  const known = sealKeys.get(seed) ?? createSealKeys(keccak256(`${seed}01`));
  sealKeys.delete(seed);
  sealKeys.set(seed, known);
  if (sealKeys.size > MAX_SEAL_KEYS) sealKeys.delete(sealKeys.keys().next().value!);
  return known;
}

/** Least recently used first. */
const sealKeys = new Map<Hex, ReturnType<typeof createSealKeys>>();

/** How often a job of one replica is held against two more: as the spec says, or, where it says nothing too, as often as makes cheating lose. Others compare anyway. */
export function auditBpsOf({ verification: { replicas, policy, audit = 'auto', minScoreBps }, payment }: JobSpec): number {
  if (replicas > 1 || policy === 'none') return 0;
  if (audit !== 'auto') return Math.round(audit * BPS);
  return auditBpsFor({ price: BigInt(payment.maxPrice), stake: BigInt(payment.stake), score: minScoreBps });
}

/** The secret whose hash the request carries. */
export function secretOf(seed: Hex): Hex {
  return keccak256(`${seed}02`);
}
