import { defineAttack } from './attack.ts';
import { amountsOf } from './tools/amounts-of.ts';
import { mapChannels } from './tools/map-channels.ts';
import { mend } from './tools/mend.ts';

/** What a busy loop needs beside CPU time. */
const LOOP = { residentBytes: 400_000, cacheBytes: 0, minorFaults: 250, majorFaults: 0, readBytes: 4000, writtenBytes: 0, readCalls: 8, writeCalls: 0, processes: 1 } as const;

export const burntCpu = defineAttack({
  name: 'CPU burnt to match',
  about: 'runs a busy loop that follows the CPU curve of an earlier run, with the right result',
  knows: ['earlier', 'result'],
  forge({ earlier, result }) {
    const { trace } = earlier[0]!;
    const totals = amountsOf(trace);
    const burnt = mapChannels(trace, (series, name, kind) => {
      const level = LOOP[name as keyof typeof LOOP];
      if (level === undefined) return series;
      if (kind === 'level') return series.map(() => level);
      const end = totals[name]!;
      return series.map((value) => (end > 0 ? (level * value) / end : 0));
    });
    return { trace: mend(burnt), ...result };
  },
});
