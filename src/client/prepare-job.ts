import { randomBytes } from 'node:crypto';
import { bytesToHex, keccak256, type Address, type Hex } from 'viem';
import { createSealKeys } from '../evidence/index.ts';
import { encodeSpec, PLAIN_TERMS, POLICIES, secretHashOf, specDigest, type JobRequest, type JobSpec } from '../protocol/index.ts';

/** Seconds of each window; see JobRequest. */
export interface Windows { assign: number; commitMargin: number; settle: number; dispute: number }

export interface PreparedJob { request: JobRequest; specBytes: Uint8Array; seed: Hex }

/** Turns a spec whose names are resolved into the request the client signs, with a fresh nonce, sealing key and secret. */
export async function prepareJob(client: Address, spec: JobSpec, { assign, commitMargin, settle, dispute }: Windows): Promise<PreparedJob> {
  const specBytes = encodeSpec(spec);
  const seed = bytesToHex(randomBytes(32));
  const { publicKey } = await sealKeysOf(seed);
  return {
    specBytes, seed,
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
      commitWindow: Math.ceil(spec.resources.timeoutMs / 1000) + commitMargin,
      settleWindow: settle,
      disputeWindow: dispute,
      sealKey: publicKey,
      secretHash: secretHashOf(secretOf(seed), AUDIT_BPS),
      ...PLAIN_TERMS,
    },
  };
}

/** The job's sealing key pair: derived, so that the journal holds one seed a job. */
export function sealKeysOf(seed: Hex): ReturnType<typeof createSealKeys> {
  return createSealKeys(keccak256(`${seed}01`));
}

/** Chance of an audit of a single replica, basis points. */
export const AUDIT_BPS = 0;

/** The secret whose hash the request carries. */
export function secretOf(seed: Hex): Hex {
  return keccak256(`${seed}02`);
}
