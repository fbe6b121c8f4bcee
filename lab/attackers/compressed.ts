import { defineAttack } from './attack.ts';
import { scaleTime } from './tools/scale-time.ts';

/** Smallest and largest factor. */
const FACTORS = [0.33, 0.67] as const;

export const compressed = defineAttack({
  name: 'time-compressed',
  about: 'replays an earlier run of the job 1.5 to 3 times faster',
  knows: ['earlier'],
  copies: 'earlier',
  forge({ random, earlier }) {
    const { trace, profile, resultDigest } = earlier[0]!;
    return { trace: scaleTime(trace, FACTORS[0] + random.uniform() * (FACTORS[1] - FACTORS[0])), profile, resultDigest };
  },
});
