import { defineAttack } from './attack.ts';
import { asSubmitted } from './tools/as-submitted.ts';

export const mostInput = defineAttack({
  name: '90 % of the input',
  about: 'runs the program on the first 90 % of the input and hands in what that gave',
  knows: ['mostInput'],
  forge: ({ mostInput }) => asSubmitted(mostInput),
});
