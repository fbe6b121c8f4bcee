import { BaseError } from '../protocol/index.ts';

export type ApiErrorCode = 'API_UNREACHABLE' | 'API_REFUSED' | 'UNAUTHORISED' | 'NOT_FOUND' | 'BAD_REQUEST' | 'CLIENT_GONE';

/** Errors of the HTTP API, on either side. */
export class ApiError extends BaseError<ApiErrorCode> {
  override readonly name = 'ApiError';
}
