import type { Trace } from '../../../src/protocol/index.ts';
import { mapChannels } from './map-channels.ts';

/** A trace as seen at other moments, linear between its samples; moments ascend and lie within its time. */
export function resample(trace: Trace, moments: Float64Array): Trace {
  const { t } = trace;
  const at = new Uint32Array(moments.length);
  for (let i = 0, k = 0; i < moments.length; i++) {
    while (k < t.length - 2 && t[k + 1]! <= moments[i]!) k++;
    at[i] = k;
  }
  return mapChannels({ ...trace, t: moments }, (series) => moments.map((ms, i) => {
    const k = at[i]!;
    if (k + 1 >= t.length) return series[k]!;
    const share = Math.min(1, Math.max(0, (ms - t[k]!) / (t[k + 1]! - t[k]!)));
    return series[k]! + share * (series[k + 1]! - series[k]!);
  }));
}

/** Moments of a sampler that looks every `intervalMs` and once more at the end. */
export function samplerMoments(durationMs: number, intervalMs: number): Float64Array {
  const count = Math.max(1, Math.ceil(durationMs / intervalMs - 1e-9));
  return Float64Array.from({ length: count + 1 }, (_, i) => (i === count ? durationMs : i * intervalMs));
}
