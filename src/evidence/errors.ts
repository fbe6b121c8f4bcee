import { BaseError } from '../protocol/base/errors.ts';

export type EvidenceErrorCode =
  /** The bytes are not the encoding of evidence. */
  | 'EVIDENCE_MALFORMED'
  /** Too many bytes or samples. */
  | 'EVIDENCE_TOO_LARGE'
  /** A later version of Gadus wrote it. */
  | 'VERSION_UNKNOWN'
  /** The series contradict what a trace is. */
  | 'TRACE_INVALID'
  /** The output profile contradicts what a profile is. */
  | 'PROFILE_INVALID'
  /** Not a trace file. */
  | 'TRACE_FILE_INVALID'
  /** An output file cannot be read, or is not a regular file. */
  | 'OUTPUT_UNREADABLE'
  /** An output file changed while it was profiled. */
  | 'OUTPUT_CHANGED'
  /** Not a sealing key. */
  | 'SEAL_KEY_INVALID'
  /** The sealed bytes do not open: another key, another job or node, or damaged. */
  | 'SEAL_BROKEN'
  /** The evidence speaks of another job or node than the one asked. */
  | 'EVIDENCE_FOREIGN'
  /** The stated sketch is not the one its own trace and output give. */
  | 'SKETCH_MISMATCH'
  /** The evidence is not what the node committed to on chain. */
  | 'COMMITMENT_MISMATCH'
  /** An opened window is not part of what was committed to, or contradicts the trace or the output. */
  | 'WINDOW_FALSE'
  /** The evidence of a shard, or the result of all, is not what the node committed to. */
  | 'SHARD_FALSE'
  /** An encrypted result is not for this key, or not of this job, node and result. */
  | 'RESULT_UNOPENED'
  /** The end of an encrypted result is missing. */
  | 'RESULT_CUT'
  /** A chunk of an encrypted result was changed, moved or cut. */
  | 'RESULT_DAMAGED';

/** Errors of the evidence folder. */
export class EvidenceError extends BaseError<EvidenceErrorCode> {
  override readonly name = 'EvidenceError';
}
