import { defineAttack } from './attack.ts';
import { asSubmitted } from './tools/as-submitted.ts';

export const halfWork = defineAttack({
  name: 'half of the work',
  about: 'runs the program on the whole input, leaves out half of the work and hands in what that gave',
  knows: ['halfWork'],
  forge: ({ halfWork }) => asSubmitted(halfWork),
});
