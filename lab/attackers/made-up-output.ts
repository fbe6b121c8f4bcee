import { defineAttack } from './attack.ts';
import { jitter } from './tools/jitter.ts';
import { madeUpDigest } from './tools/made-up-digest.ts';
import { madeUpProfile } from './tools/made-up-profile.ts';

export const madeUpOutput = defineAttack({
  name: 'made-up output',
  about: 'an honest-looking trace with an output of the right size, entropy and byte values whose content is made up',
  knows: ['honest'],
  forge: ({ random, honest }) => ({
    trace: jitter(honest.trace, random, { time: 0.1, steps: 0.1, totals: 0.5 }),
    profile: madeUpProfile(honest.profile, {}, random),
    resultDigest: madeUpDigest(random),
  }),
});
