import { supportsCurves } from '../../evidence/index.ts';
import type { Engine, RunRequest, RunResult } from '../../executor/index.ts';
import { anySignal } from '../../protocol/index.ts';
import { AGAIN_MIN_MISSED, AGAIN_SAMPLED_SHARE, MAX_WATCHED_RUNS } from '../constants.ts';

export interface WatchedInit {
  /** Unix ms by which another run must have ended to be of use; none is begun without it. */
  againUntil?: number;
  /** Told before another run, why. */
  onAgain?: (why: string) => void;
}

/** Share of the samples that were due which were taken; 1 where the trace shows every turn of the run without any. */
export function sampledShare({ sampling: { samples, lost, missed = lost }, trace }: Pick<RunResult, 'sampling' | 'trace'>): number {
  return trace.channels.instructions !== undefined || samples + missed === 0 ? 1 : samples / (samples + missed);
}

/** Whether the sampler missed so much of a run that an honest one could be told apart by it: most of its time, or something where what is left does not support its curves. */
export function isPoorlySeen({ sampling: { samples, lost, missed = lost }, trace }: Pick<RunResult, 'sampling' | 'trace'>): boolean {
  if (trace.channels.instructions !== undefined) return false;
  const few = lost >= AGAIN_MIN_MISSED && samples < (samples + lost) * AGAIN_SAMPLED_SHARE;
  return few || (missed >= AGAIN_MIN_MISSED && !supportsCurves(trace));
}

/**
 * Runs a replica, and again, MAX_WATCHED_RUNS times at most, where the machine was so crowded that the sampler missed what the replica would be judged by (`isPoorlySeen`). Of the
 * runs, the one that was watched best counts, with all it left; the others are as if they had not been. Not where time is short, and not of a job that has a network, which may do
 * something there that is not to be done twice.
 *
 * @throws as `engine.run`, of the first run; what a later one runs into is of no consequence, unless `request.signal` aborts it
 */
export async function runWatched(engine: Pick<Engine, 'run'>, request: RunRequest, { againUntil = 0, onAgain }: WatchedInit): Promise<RunResult> {
  let began = Date.now();
  let best = await engine.run(request);
  for (let runs = 1; runs < MAX_WATCHED_RUNS && isPoorlySeen(best); runs++) {
    const now = Date.now();
    if (request.spec.network !== 'none' || now + (now - began) > againUntil) break;
    const { samples, lost, missed = lost } = best.sampling;
    onAgain?.(`the sampler got ${samples} of ${samples + missed} samples: running again`);
    began = now;
    const signal = anySignal(request.signal, AbortSignal.timeout(againUntil - now));
    let other: RunResult;
    try {
      other = await engine.run({ ...request, id: `${request.id}-again${runs}`, signal });
    } catch (error) {
      if (request.signal?.aborted !== true) break;
      await best.release();
      throw error;
    }
    // Of two that are poor, a share says which is less so.
    if (!isPoorlySeen(other) || sampledShare(other) > sampledShare(best)) [best, other] = [other, best];
    await other.release();
  }
  return best;
}
