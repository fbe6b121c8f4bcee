/** Everything Gadus throws on purpose: what happened, why, and what to do next. */
export interface ErrorInit {
  /** Why it happened: the numbers, paths and peers involved. */
  details?: string;
  /** What the reader can do about it. */
  hint?: string;
  cause?: unknown;
}

/**
 * Base of every typed error. `code` is stable and machine-readable; each folder has its own union of codes.
 *
 * @example
 * throw new BaseError('SPEC_INVALID', 'the job spec is not valid', { details: 'replicas: 0 is below 1' })
 */
export class BaseError<C extends string = string> extends Error {
  override readonly name: string = 'BaseError';
  readonly code: C;
  readonly shortMessage: string;
  readonly details?: string;
  readonly hint?: string;

  constructor(code: C, shortMessage: string, init: ErrorInit = {}) {
    const message = init.details === undefined ? shortMessage : `${shortMessage}: ${init.details}`;
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = code;
    this.shortMessage = shortMessage;
    if (init.details !== undefined) this.details = init.details;
    if (init.hint !== undefined) this.hint = init.hint;
  }

  toJSON(): { code: C; message: string; details?: string; hint?: string } {
    return {
      code: this.code,
      message: this.shortMessage,
      ...(this.details === undefined ? {} : { details: this.details }),
      ...(this.hint === undefined ? {} : { hint: this.hint }),
    };
  }
}

/** True for a BaseError (from any copy of this module) with one of the given codes, or with any when none is given. */
export function isError<C extends string>(error: unknown, ...codes: C[]): error is BaseError<C> {
  if (!(error instanceof Error) || !('code' in error) || !('shortMessage' in error)) return false;
  return codes.length === 0 || codes.includes(error.code as C);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export type ProtocolErrorCode =
  | 'SPEC_INVALID' | 'MESSAGE_INVALID' | 'MESSAGE_TOO_LARGE' | 'UNIT_INVALID' | 'TRANSITION_INVALID' | 'CID_INVALID' | 'SHARDS_INVALID' | 'ENDPOINT_INVALID';

/** Errors of the protocol folder. */
export class ProtocolError extends BaseError<ProtocolErrorCode> {
  override readonly name = 'ProtocolError';
}
