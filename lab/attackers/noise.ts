import { defineAttack } from './attack.ts';
import { amountsOf } from './tools/amounts-of.ts';
import { mapChannels } from './tools/map-channels.ts';
import { mend } from './tools/mend.ts';
import { straightTrace } from './tools/straight-trace.ts';

export const noise = defineAttack({
  name: 'noise',
  about: 'draws random walks to the totals of an earlier run of the job',
  knows: ['earlier', 'result'],
  forge({ job, random, earlier, result }) {
    const { trace } = earlier[0]!;
    const lines = straightTrace({ ...job, durationMs: trace.t.at(-1)!, channels: amountsOf(trace) });
    const walks = mapChannels(lines, (series, _, kind) => {
      // Squared normal steps come in bursts, as work does; levels wander about their mean.
      let at = 0;
      const walk = series.map((_value, i) => (i === 0 ? 0 : (at += kind === 'counter' ? random.normal() ** 2 : random.normal())));
      if (kind === 'counter') return walk.map((value) => (at > 0 ? (value / at) * series.at(-1)! : 0));
      const deviation = Math.sqrt(walk.length);
      return series.map((value, i) => value * Math.exp((0.5 * walk[i]!) / deviation));
    });
    return { trace: mend(walks), ...result };
  },
});
