import { isError } from '../protocol/base/errors.ts';

/** What the process exit code says. A job run to its end gives its own exit code instead. */
export const EXIT = {
  ok: 0,
  /** Anything not named below. */
  failed: 1,
  /** The command line or a spec is wrong. */
  usage: 2,
  /** The chain, a node, a registry or the network cannot be reached. */
  unreachable: 3,
  /** The job ended without a result that replicas agree on. */
  unsettled: 4,
  /** What was asked for does not exist. */
  notFound: 5,
  /** Not enough coin, or the chain refused. */
  refused: 6,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

const BY_CODE: Record<string, number> = {
  SPEC_INVALID: EXIT.usage, SHARDS_INVALID: EXIT.usage, SHARDS_TOO_LONG: EXIT.usage, UNIT_INVALID: EXIT.usage, CID_INVALID: EXIT.usage, CONFIG_INVALID: EXIT.usage, IMAGE_UNKNOWN: EXIT.usage,
  ADDRESSES_INVALID: EXIT.usage, KEYSTORE_INVALID: EXIT.usage,
  PROFILE_MISSING: EXIT.usage, PROFILE_INVALID: EXIT.usage, USAGE: EXIT.usage,
  RPC_UNREACHABLE: EXIT.unreachable, API_UNREACHABLE: EXIT.unreachable, PEER_UNREACHABLE: EXIT.unreachable, TIMEOUT: EXIT.unreachable,
  NO_RESULT: EXIT.unsettled, JOB_CANCELLED: EXIT.unsettled, JOB_EXPIRED: EXIT.unsettled, NO_BIDS: EXIT.unsettled,
  REGISTRY_FAILED: EXIT.unreachable, IMAGE_MISSING: EXIT.notFound,
  JOB_UNKNOWN: EXIT.notFound, SHARD_UNKNOWN: EXIT.notFound, NOT_FOUND: EXIT.notFound,
  INSUFFICIENT_FUNDS: EXIT.refused, ALLOWANCE_TOO_LOW: EXIT.refused, COIN_BALANCE_TOO_LOW: EXIT.refused, GAS_FUNDS_TOO_LOW: EXIT.refused,
  BAD_REQUEST: EXIT.refused, TX_REVERTED: EXIT.refused, CANNOT_CANCEL: EXIT.refused,
};

/** The exit code for an error. */
export function exitCodeOf(error: unknown): number {
  return isError(error) ? BY_CODE[error.code] ?? EXIT.failed : EXIT.failed;
}
