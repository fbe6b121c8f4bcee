import { defineAttack } from './attack.ts';
import { asSubmitted } from './tools/as-submitted.ts';
import { mend } from './tools/mend.ts';
import { resample } from './tools/resample.ts';

export const copyResampled = defineAttack({
  name: 'copy, resampled',
  about: 'shares another node\'s run, as a sampler that looked at other moments would have seen it',
  knows: ['peer'],
  copies: 'peer',
  forge({ random, peer }) {
    const { trace } = peer;
    const end = trace.t.at(-1)!;
    const moments = [0];
    // Its first look comes somewhere within the first interval, the others wander a little.
    for (let next = random.uniform() * trace.intervalMs + 0.01; next < end; next += trace.intervalMs * (0.9 + 0.2 * random.uniform())) moments.push(next);
    moments.push(end > moments.at(-1)! ? end : moments.at(-1)! + 0.01);
    return { ...asSubmitted(peer), trace: mend(resample(trace, Float64Array.from(moments))) };
  },
});
