import { BaseError } from '../../src/protocol/index.ts';

export type LabErrorCode =
  /** A file of runs is damaged, or of a later version. */
  | 'RUNS_MALFORMED'
  /** No cheat or fingerprint of that name. */
  | 'NAME_UNKNOWN'
  /** Too few runs for a report. */
  | 'RUNS_MISSING'
  /** No program of that name. */
  | 'PROGRAM_UNKNOWN'
  /** The image for the programs cannot be had. */
  | 'IMAGE_FAILED'
  /** A program did not do its work. */
  | 'RUN_FAILED';

/** Errors of the laboratory's corpus. */
export class LabError extends BaseError<LabErrorCode> {
  override readonly name = 'LabError';
}
