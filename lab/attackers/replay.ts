import { defineAttack } from './attack.ts';
import { asSubmitted } from './tools/as-submitted.ts';

export const replay = defineAttack({
  name: 'replay',
  about: 'hands in an earlier run of the job, unchanged',
  knows: ['earlier'],
  copies: 'earlier',
  forge: ({ earlier }) => asSubmitted(earlier[0]!),
});
