import type { Hex } from 'viem';
import { encodeAbiParameters, hexToBigInt, keccak256 } from 'viem/utils';
import { BPS } from '../constants.ts';

/** keccak256(abi.encode(secret, auditBps)): what a request carries, so that nobody knows the chance of an audit before the secret is shown. */
export function secretHashOf(secret: Hex, auditBps: number): Hex {
  return keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint16' }], [secret, auditBps]));
}

/**
 * Whether the secret draws a single-replica job for an audit: uint256(keccak256(abi.encode(secret, jobId, commitment))) % 10000 < auditBps.
 * Neither side can steer it: the secret was fixed at submit, the commitment before the secret was known.
 */
export function isAudited(secret: Hex, auditBps: number, jobId: Hex, commitment: Hex): boolean {
  const word = keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'bytes32' }, { type: 'bytes32' }], [secret, jobId, commitment]));
  return hexToBigInt(word) % BigInt(BPS) < BigInt(auditBps);
}
