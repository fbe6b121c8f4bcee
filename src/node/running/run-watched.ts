import type { Engine, RunRequest, RunResult } from '../../executor/index.ts';
import { AGAIN_SAMPLED_SHARE, AGAIN_MIN_LOST } from '../constants.ts';

export interface WatchedInit {
  /** Unix ms by which a second run must have ended to be of use; none is begun without it. */
  againUntil?: number;
  /** Told before a second run, why. */
  onAgain?: (why: string) => void;
}

/** Share of the samples that were due which were taken; 1 where the trace shows every turn of the run without any. */
export function sampledShare({ sampling: { samples, lost }, trace }: Pick<RunResult, 'sampling' | 'trace'>): number {
  return trace.channels.instructions !== undefined || samples + lost === 0 ? 1 : samples / (samples + lost);
}

/**
 * Runs a replica, and once more where the machine was so crowded that the sampler missed most of the run: the curves of such a trace could be those of any run, or of
 * none, and an honest node would be told apart by it. Of the two, the one that was watched better counts, with all it left; the other is as if it had not been. Not
 * where time is short, and not of a job that has a network, which may do something there that is not to be done twice.
 *
 * @throws as `engine.run`, of the first run; what a second one runs into is of no consequence, unless `request.signal` aborts it
 */
export async function runWatched(engine: Pick<Engine, 'run'>, request: RunRequest, { againUntil = 0, onAgain }: WatchedInit): Promise<RunResult> {
  const began = Date.now();
  const first = await engine.run(request);
  const share = sampledShare(first);
  const now = Date.now();
  const { samples, lost } = first.sampling;
  if (share >= AGAIN_SAMPLED_SHARE || lost < AGAIN_MIN_LOST || request.spec.network !== 'none' || now + (now - began) > againUntil) return first;
  onAgain?.(`the sampler got ${samples} of ${samples + lost} samples: running again`);
  const until = AbortSignal.timeout(againUntil - now);
  let second: RunResult;
  try {
    const signal = request.signal === undefined ? until : AbortSignal.any([request.signal, until]);
    second = await engine.run({ ...request, id: `${request.id}-again`, signal });
  } catch (error) {
    if (request.signal?.aborted !== true) return first;
    await first.release();
    throw error;
  }
  const [kept, other] = sampledShare(second) > share ? [second, first] : [first, second];
  await other.release();
  return kept;
}
