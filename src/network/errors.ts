import { BaseError } from '../protocol/base/errors.ts';

export type NetworkErrorCode =
  | 'KEY_INVALID' | 'ADDRESS_INVALID' | 'PEER_UNREACHABLE' | 'PROTOCOL_UNSUPPORTED' | 'PROTOCOL_VIOLATION'
  | 'STREAM_CLOSED' | 'TIMEOUT' | 'REFUSED';

/** Errors of the network folder. */
export class NetworkError extends BaseError<NetworkErrorCode> {
  override readonly name = 'NetworkError';
}
