import { BaseError } from '../protocol/base/errors.ts';

export type StorageErrorCode =
  | 'NOT_FOUND' | 'BLOCK_INVALID' | 'BLOCK_TOO_LARGE' | 'STALLED' | 'LIMIT_EXCEEDED' | 'DAG_INVALID' | 'FORMAT_UNSUPPORTED'
  | 'ENTRY_HOSTILE' | 'ENTRY_UNSUPPORTED' | 'NOT_A_FILE' | 'NOT_A_DIRECTORY' | 'DESTINATION_EXISTS' | 'SOURCE_INVALID' | 'STORE_LOCKED'
  | 'DISK_FULL' | 'PEER_UNREACHABLE' | 'DIRECT_FAILED' | 'STREAM_CUT' | 'BLOCK_UNWANTED' | 'ADDRESS_REFUSED' | 'HTTP_FAILED' | 'OVER_BUDGET' | 'CAR_INVALID' | 'PROTOCOL_BROKEN' | 'ROOT_DIFFERS' | 'FILE_CHANGED' | 'PIECE_INVALID' | 'SECTOR_INVALID' | 'NOT_UNSEALED';

/** Errors of the storage folder. */
export class StorageError extends BaseError<StorageErrorCode> {
  override readonly name = 'StorageError';
}
