import { defineAttack } from './attack.ts';
import { extrapolate } from './tools/extrapolate.ts';

export const halfInputExtrapolated = defineAttack({
  name: 'half of the input, extrapolated',
  about: 'runs the program on the first half of the input and scales trace and output size to the whole',
  knows: ['halfInput'],
  forge: ({ random, halfInput }) => extrapolate(halfInput, 0.5, random),
});
