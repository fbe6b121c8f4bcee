import type { OutputProfile } from '../../protocol/trace/trace.ts';
import { NO_CHUNK } from './content-minima.ts';
import { CONTENT_BINS, PROFILE_BINS, PROFILE_SEGMENTS } from '../constants.ts';
import { EvidenceError } from '../errors.ts';

/** Shares of a row may miss 1 by rounding. */
const SHARE_SLACK = 1e-9;

/**
 * Refuses a profile that no output can have.
 *
 * @throws EvidenceError PROFILE_INVALID, VERSION_UNKNOWN
 */
export function validateProfile(profile: OutputProfile): void {
  const { bytes, files, entropy, histogram, content } = profile;
  if (profile.version !== 1) throw new EvidenceError('VERSION_UNKNOWN', 'the output profile is of a version this program does not know', { details: String(profile.version) });
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw invalid(`its size is ${bytes} bytes`);
  if (!Number.isSafeInteger(files) || files < 0) throw invalid(`it counts ${files} files`);
  if (entropy.length !== PROFILE_SEGMENTS) throw invalid(`${entropy.length} entropies, not ${PROFILE_SEGMENTS}`);
  if (histogram.length !== PROFILE_SEGMENTS * PROFILE_BINS) throw invalid(`${histogram.length} histogram cells, not ${PROFILE_SEGMENTS * PROFILE_BINS}`);
  if (content.length !== CONTENT_BINS) throw invalid(`${content.length} minima of its content, not ${CONTENT_BINS}`);
  if (content.some((minimum) => (bytes === 0 ? minimum !== NO_CHUNK : minimum >= 2 ** 32 / CONTENT_BINS))) throw invalid('a minimum of its content is out of range');
  for (let segment = 0; segment < PROFILE_SEGMENTS; segment++) {
    const bits = entropy[segment]!;
    if (!(bits >= 0 && bits <= 8 + SHARE_SLACK)) throw invalid(`segment ${segment} has an entropy of ${bits} bits a byte`);
    const row = histogram.subarray(segment * PROFILE_BINS, (segment + 1) * PROFILE_BINS);
    let sum = 0;
    for (const share of row) {
      if (!(share >= 0 && share <= 1 + SHARE_SLACK)) throw invalid(`segment ${segment} has a share of ${share}`);
      sum += share;
    }
    const empty = Math.floor((bytes * segment) / PROFILE_SEGMENTS) === Math.floor((bytes * (segment + 1)) / PROFILE_SEGMENTS);
    if (Math.abs(sum - (empty ? 0 : 1)) > SHARE_SLACK) throw invalid(`the shares of segment ${segment} add up to ${sum}`);
  }
}

function invalid(details: string): EvidenceError {
  return new EvidenceError('PROFILE_INVALID', 'the output profile is not one an output can have', { details });
}
