import type { Address, Hex } from 'viem';
import { encodeAbiParameters, keccak256 } from 'viem/utils';
import type { Opening } from '../statements/statements.ts';

/** What the commitment to a replica of many shards hides: an opening has one shard's sketch, and what leads from it to this root. */
export interface ShardedOpening extends Pick<Opening, 'resultDigest' | 'evidenceDigest' | 'salt'> { sketchRoot: Hex }

/** keccak256(abi.encode(jobId, node, resultDigest, evidenceDigest, root of the shards' sketches, salt)). */
export function shardedCommitment(jobId: Hex, node: Address, { resultDigest, evidenceDigest, sketchRoot, salt }: ShardedOpening): Hex {
  return keccak256(encodeAbiParameters(
    [{ type: 'bytes32' }, { type: 'address' }, { type: 'bytes32' }, { type: 'bytes32' }, { type: 'bytes32' }, { type: 'bytes32' }],
    [jobId, node, resultDigest, evidenceDigest, sketchRoot, salt],
  ));
}
