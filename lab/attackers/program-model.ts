import { defineAttack } from './attack.ts';
import { drawFromModel } from './tools/learn-model.ts';
import { madeUpDigest } from './tools/made-up-digest.ts';
import { madeUpProfile } from './tools/made-up-profile.ts';

/** Examples a model is learned from at least. */
const MIN_EXAMPLES = 2;
/** Closer to the mean than honest runs are: the middle is the safest place. */
const SPREAD = 0.5;

export const programModel = defineAttack({
  name: 'model of the program',
  about: 'draws trace and output from a model learned from public runs of the program on other inputs',
  knows: ['corpus'],
  forge({ job, random, corpus }) {
    if (corpus.length < MIN_EXAMPLES) return undefined;
    const nearest = corpus.toSorted((a, b) => sizeGap(a.input.bytes, job.inputBytes) - sizeGap(b.input.bytes, job.inputBytes))[0]!;
    return {
      trace: drawFromModel(corpus, { ...job, spread: SPREAD }, random),
      profile: madeUpProfile(nearest.profile, { bytes: (nearest.profile.bytes * job.inputBytes) / nearest.input.bytes, keep: 1 }, random),
      resultDigest: madeUpDigest(random),
    };
  },
});

function sizeGap(a: number, b: number): number {
  return Math.abs(Math.log(a / b));
}
