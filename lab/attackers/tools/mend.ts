import type { Trace } from '../../../src/protocol/index.ts';
import { mapChannels } from './map-channels.ts';

/** Makes a trace pass for a sampler's: whole numbers, counters from 0 that never fall, levels not below 0, time that moves on. */
export function mend(trace: Trace): Trace {
  const t = trace.t.slice();
  t[0] = 0;
  for (let i = 1; i < t.length; i++) if (!(t[i]! > t[i - 1]!)) t[i] = t[i - 1]! + 0.001;
  return mapChannels({ ...trace, t }, (series, _, kind) => {
    if (kind === 'level') return series.map((value) => Math.max(0, Math.round(value)));
    let floor = 0;
    return series.map((value, i) => {
      if (i > 0) floor = Math.max(floor, Math.round(value - series[0]!));
      return floor;
    });
  });
}
