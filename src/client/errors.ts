import { BaseError } from '../protocol/index.ts';

export type ClientErrorCode =
  | 'JOB_UNKNOWN' | 'IMAGE_UNKNOWN' | 'NO_BIDS' | 'JOB_CANCELLED' | 'JOB_EXPIRED' | 'NO_RESULT' | 'CLIENT_FUNDS' | 'LOG_UNAVAILABLE' | 'CANNOT_CANCEL' | 'JOB_CARRIED'
  | 'TOO_MANY_CLIENTS' | 'WINDOWS_REFUSED' | 'SET_REFUSED' | 'SHARDS_REFUSED' | 'SHARDS_TOO_LONG' | 'SHARD_UNKNOWN' | 'NO_SCRATCH';

/** Errors of the client folder. */
export class ClientError extends BaseError<ClientErrorCode> {
  override readonly name = 'ClientError';
}
