import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { labCorpus } from '../test-support/lab-runs.ts';
import { jobsOf } from './corpus.ts';
import { LATE_SHARES, lateOutput } from './late-output.ts';

describe('nodes that name a result they do not have', async () => {
  const { honest, caught, jobs, growing } = await lateOutput(jobsOf(labCorpus(4)));
  const rate = (way: string, share: number) => caught.find((one) => one.way === way && one.share === share)!.rate.rate;

  it('never contradict the result when they are honest', () => assert.deepEqual([honest.rate, jobs, growing], [0, 3, 3]));
  it('are caught for a hash of the whole that they do not know', () => LATE_SHARES.forEach((share) => assert.equal(rate('growing', share), 1)));
  it('are caught the less the more they have, once they were told it', () => {
    const rates = LATE_SHARES.map((share) => rate('told', share));
    assert.ok(rates[0] === 1 && rates[1]! > 0.5 && rates.every((value, i) => i === 0 || value <= rates[i - 1]!), rates.join(' '));
  });
  it('pass when they claim that the rest came at the very end', () => LATE_SHARES.forEach((share) => assert.equal(rate('held back', share), 0)));
});
