import { defineAttack } from './attack.ts';
import { asSubmitted } from './tools/as-submitted.ts';
import { jitter } from './tools/jitter.ts';

export const replayJittered = defineAttack({
  name: 'replay with jitter',
  about: 'hands in an earlier run of the job with noise on time, steps and totals',
  knows: ['earlier'],
  copies: 'earlier',
  forge: ({ random, earlier }) => ({ ...asSubmitted(earlier[0]!), trace: jitter(earlier[0]!.trace, random) }),
});
