import type { LabRun } from '../../corpus/lab-run.ts';
import type { Random } from '../../corpus/inputs/random.ts';
import type { Submission } from '../attack.ts';
import { madeUpDigest } from './made-up-digest.ts';
import { madeUpProfile } from './made-up-profile.ts';
import { mapChannels } from './map-channels.ts';
import { mend } from './mend.ts';
import { scaleTime } from './scale-time.ts';

/** Memory whose peak is this many times its median level grew with the data: it will go on growing. */
const GROWING = 1.4;

/**
 * A run on the first `fraction` of the input blown up to the whole: counters and time scaled, memory where it seems to grow with the
 * data, output size scaled. The content is what the part gave; the right output has about `fraction` of it.
 */
export function extrapolate(part: LabRun, fraction: number, random: Random): Submission {
  const factor = 1 / fraction;
  const scaled = mapChannels(part.trace, (series, _, kind) => {
    if (kind === 'counter') return series.map((value) => value * factor);
    const sorted = series.toSorted();
    const grows = sorted.at(-1)! > GROWING * sorted[sorted.length >> 1]!;
    return grows ? series.map((value) => value * factor) : series;
  });
  return {
    trace: scaleTime(mend(scaled), factor),
    profile: madeUpProfile(part.profile, { bytes: part.profile.bytes * factor, keep: 1 }, random),
    resultDigest: madeUpDigest(random),
  };
}
