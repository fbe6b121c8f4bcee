import { defineAttack } from './attack.ts';
import { asSubmitted } from './tools/as-submitted.ts';

export const nearlyAllInput = defineAttack({
  name: '99 % of the input',
  about: 'runs the program on the first 99 % of the input and hands in what that gave',
  knows: ['nearlyAllInput'],
  forge: ({ nearlyAllInput }) => asSubmitted(nearlyAllInput),
});
