import { defineAttack } from './attack.ts';
import { asSubmitted } from './tools/as-submitted.ts';

export const otherInput = defineAttack({
  name: 'other input of equal size',
  about: 'runs the program on an input of the same kind and size that is not the job\'s',
  knows: ['otherInput'],
  forge: ({ otherInput: run }) => asSubmitted(run),
});
