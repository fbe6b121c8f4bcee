import { defineAttack } from './attack.ts';

export const otherProgramRightResult = defineAttack({
  name: 'another program, right result',
  about: 'runs another program and hands in its trace with the right result, got elsewhere',
  knows: ['otherProgram', 'result'],
  forge: ({ otherProgram: { trace }, result }) => ({ trace, ...result }),
});
