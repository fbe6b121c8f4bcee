import { defineAttack } from './attack.ts';
import { amountsOf } from './tools/amounts-of.ts';
import { mend } from './tools/mend.ts';
import { straightTrace } from './tools/straight-trace.ts';

export const hardlySampled = defineAttack({
  name: 'hardly sampled',
  about: 'hands in the totals of an earlier run of the job with next to no samples between, as if its sampler had starved',
  knows: ['earlier', 'result'],
  forge({ job, earlier, result }) {
    const { trace } = earlier[0]!;
    const durationMs = Math.max(trace.t.at(-1)!, job.intervalMs);
    const straight = straightTrace({ engine: job.engine, intervalMs: durationMs / 2, durationMs, channels: amountsOf(trace) });
    // Memory must reach its peak somewhere.
    const { residentBytes } = straight.channels;
    const peak = trace.channels.residentBytes?.reduce((max, value) => Math.max(max, value), 0) ?? 0;
    const channels = residentBytes === undefined ? straight.channels : { ...straight.channels, residentBytes: residentBytes.map((level, i) => (i === 1 ? peak : level)) };
    return { trace: mend({ ...straight, intervalMs: job.intervalMs, channels }), ...result };
  },
});
