import { BaseError } from '../protocol/base/errors.ts';

/** A mistake on the command line that commander cannot see. */
export class UsageError extends BaseError<'USAGE'> {
  override readonly name = 'UsageError';
  constructor(message: string, hint?: string) {
    super('USAGE', message, hint === undefined ? {} : { hint });
  }
}
