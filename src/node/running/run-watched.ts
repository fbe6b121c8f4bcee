import { supportsCurves } from '../../evidence/index.ts';
import type { Engine, RunRequest, RunResult } from '../../executor/index.ts';
import { AGAIN_MIN_LOST, AGAIN_SAMPLED_SHARE } from '../constants.ts';

export interface WatchedInit {
  /** Unix ms by which a second run must have ended to be of use; none is begun without it. */
  againUntil?: number;
  /** Told before a second run, why. */
  onAgain?: (why: string) => void;
}

/** Share of the samples that were due which were taken; 1 where the trace shows every turn of the run without any. */
export function sampledShare({ sampling: { samples, lost, missed = lost }, trace }: Pick<RunResult, 'sampling' | 'trace'>): number {
  return trace.channels.instructions !== undefined || samples + missed === 0 ? 1 : samples / (samples + missed);
}

/** Whether the sampler missed so much of a run that an honest one could be told apart by it: most of its time, or so much that what is left does not support its curves. */
export function isPoorlySeen(run: Pick<RunResult, 'sampling' | 'trace'>): boolean {
  const { sampling: { samples, lost, missed = lost }, trace } = run;
  if (sampledShare(run) >= AGAIN_SAMPLED_SHARE || missed < AGAIN_MIN_LOST) return false;
  return (lost >= AGAIN_MIN_LOST && lost > samples) || !supportsCurves(trace);
}

/**
 * Runs a replica, and once more where the machine was so crowded that the sampler missed what the replica would be judged by (`isPoorlySeen`). Of the two, the one that was watched better counts, with all it left; the other is as if it had not been. Not
 * where time is short, and not of a job that has a network, which may do something there that is not to be done twice.
 *
 * @throws as `engine.run`, of the first run; what a second one runs into is of no consequence, unless `request.signal` aborts it
 */
export async function runWatched(engine: Pick<Engine, 'run'>, request: RunRequest, { againUntil = 0, onAgain }: WatchedInit): Promise<RunResult> {
  const began = Date.now();
  const first = await engine.run(request);
  const now = Date.now();
  if (!isPoorlySeen(first) || request.spec.network !== 'none' || now + (now - began) > againUntil) return first;
  const { samples, lost, missed = lost } = first.sampling;
  onAgain?.(`the sampler got ${samples} of ${samples + missed} samples: running again`);
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
  const [kept, other] = sampledShare(second) > sampledShare(first) ? [second, first] : [first, second];
  await other.release();
  return kept;
}
