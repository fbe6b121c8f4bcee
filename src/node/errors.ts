import { BaseError } from '../protocol/index.ts';

export type NodeErrorCode =
  | 'CONFIG_INVALID' | 'NO_ENGINE' | 'NOT_A_NODE' | 'STAKE_TOO_LOW' | 'ANNOUNCEMENT_INVALID' | 'EVIDENCE_SEALED' | 'LOG_REFUSED' | 'REPLICA_FAILED' | 'SHARDS_DIFFER';

/** Errors of the node folder. */
export class NodeError extends BaseError<NodeErrorCode> {
  override readonly name = 'NodeError';
}
