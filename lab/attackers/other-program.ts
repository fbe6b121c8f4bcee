import { defineAttack } from './attack.ts';
import { asSubmitted } from './tools/as-submitted.ts';

export const otherProgram = defineAttack({
  name: 'another program',
  about: 'runs another program and hands in what that gave',
  knows: ['otherProgram'],
  forge: ({ otherProgram: run }) => asSubmitted(run),
});
