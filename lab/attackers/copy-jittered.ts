import { defineAttack } from './attack.ts';
import { asSubmitted } from './tools/as-submitted.ts';
import { jitter } from './tools/jitter.ts';

export const copyJittered = defineAttack({
  name: 'copy with jitter',
  about: 'shares another node\'s run and adds noise to time, steps and totals',
  knows: ['peer'],
  copies: 'peer',
  forge: ({ random, peer }) => ({ ...asSubmitted(peer), trace: jitter(peer.trace, random) }),
});
