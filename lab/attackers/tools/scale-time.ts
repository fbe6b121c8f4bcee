import type { Trace } from '../../../src/protocol/index.ts';
import { mend } from './mend.ts';
import { resample, samplerMoments } from './resample.ts';

/** The same course, `factor` times as long, as a sampler at the trace's interval would have seen it. */
export function scaleTime(trace: Trace, factor: number): Trace {
  const slow = { ...trace, t: trace.t.map((ms) => ms * factor) };
  return mend(resample(slow, samplerMoments(slow.t.at(-1)!, trace.intervalMs)));
}
