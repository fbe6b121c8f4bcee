import { defineAttack } from './attack.ts';
import { asSubmitted } from './tools/as-submitted.ts';

export const mostWork = defineAttack({
  name: '90 % of the work',
  about: 'runs the program on the whole input, leaves out a tenth of the work and hands in what that gave',
  knows: ['mostWork'],
  forge: ({ mostWork }) => asSubmitted(mostWork),
});
