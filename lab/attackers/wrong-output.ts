import { defineAttack } from './attack.ts';

export const wrongOutput = defineAttack({
  name: 'honest run, wrong output',
  about: 'runs the job and hands in the output of another input',
  knows: ['honest', 'otherInput'],
  forge: ({ honest: { trace }, otherInput: { profile, resultDigest } }) => ({ trace, profile, resultDigest }),
});
