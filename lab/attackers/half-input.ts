import { defineAttack } from './attack.ts';
import { asSubmitted } from './tools/as-submitted.ts';

export const halfInput = defineAttack({
  name: 'half of the input',
  about: 'runs the program on the first half of the input and hands in what that gave',
  knows: ['halfInput'],
  forge: ({ halfInput }) => asSubmitted(halfInput),
});
