import { defineAttack } from './attack.ts';
import { extrapolate } from './tools/extrapolate.ts';

export const mostInputExtrapolated = defineAttack({
  name: '90 % of the input, extrapolated',
  about: 'runs the program on the first 90 % of the input and scales trace and output size to the whole',
  knows: ['mostInput'],
  forge: ({ random, mostInput }) => extrapolate(mostInput, 0.9, random),
});
