import { defineAttack } from './attack.ts';
import { amountsOf } from './tools/amounts-of.ts';
import { straightTrace } from './tools/straight-trace.ts';

export const flat = defineAttack({
  name: 'flat',
  about: 'draws straight lines to the totals of an earlier run of the job, memory flat at its mean',
  knows: ['earlier', 'result'],
  forge({ job, earlier, result }) {
    const { trace } = earlier[0]!;
    return { trace: straightTrace({ ...job, durationMs: trace.t.at(-1)!, channels: amountsOf(trace) }), ...result };
  },
});
