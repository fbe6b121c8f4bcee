import { defineAttack } from './attack.ts';
import { extrapolate } from './tools/extrapolate.ts';

export const nearlyAllInputExtrapolated = defineAttack({
  name: '99 % of the input, extrapolated',
  about: 'runs the program on the first 99 % of the input and scales trace and output size to the whole',
  knows: ['nearlyAllInput'],
  forge: ({ random, nearlyAllInput }) => extrapolate(nearlyAllInput, 0.99, random),
});
