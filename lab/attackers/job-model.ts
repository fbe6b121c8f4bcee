import { defineAttack } from './attack.ts';
import { drawFromModel } from './tools/learn-model.ts';

/** Examples a model is learned from at least. */
const MIN_EXAMPLES = 2;
const SPREAD = 0.5;

export const jobModel = defineAttack({
  name: 'model of the job',
  about: 'draws a trace from a model learned from earlier runs of the very job, with the right result',
  knows: ['earlier', 'result'],
  forge({ job, random, earlier, result }) {
    if (earlier.length < MIN_EXAMPLES) return undefined;
    return { trace: drawFromModel(earlier, { ...job, spread: SPREAD }, random), ...result };
  },
});
