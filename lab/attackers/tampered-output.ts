import { defineAttack } from './attack.ts';
import { madeUpDigest } from './tools/made-up-digest.ts';
import { madeUpProfile } from './tools/made-up-profile.ts';

/** Share of the output that is left as it was. */
const KEPT = 0.8;

export const tamperedOutput = defineAttack({
  name: 'honest run, tampered output',
  about: 'runs the job and changes a fifth of the output, keeping its size, entropy and byte values',
  knows: ['honest'],
  forge: ({ random, honest: { trace, profile } }) => ({ trace, profile: madeUpProfile(profile, { keep: KEPT }, random), resultDigest: madeUpDigest(random) }),
});
