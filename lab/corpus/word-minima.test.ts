import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { WordMinima, wordSimilarity } from './word-minima.ts';

const minima = (text: string, cuts = 1) => {
  const words = new WordMinima();
  const bytes = Buffer.from(text);
  for (let i = 0; i < bytes.length; i += Math.ceil(bytes.length / cuts)) words.add(bytes.subarray(i, i + Math.ceil(bytes.length / cuts)));
  return words.minima();
};
const names = Array.from({ length: 2000 }, (_, i) => `name${i}`);

describe('word minima', () => {
  it('do not depend on the order of words, nor on where pieces end', () => fc.assert(fc.property(fc.shuffledSubarray(names, { minLength: names.length }), fc.integer({ min: 1, max: 50 }), (order, cuts) => {
    assert.deepEqual(minima(order.join(' '), cuts), minima(names.join('\n')));
  }), { numRuns: 10 }));

  it('see through a time stamp in every line', () => {
    const log = (second: number, from: number) => names.map((name, i) => `12:00:${second + (i >> 8)} ${name}-${from}`).join('\n');
    assert.ok(wordSimilarity(minima(log(1, 0)), minima(log(31, 0))) > 0.9);
    assert.ok(wordSimilarity(minima(log(1, 0)), minima(log(1, 1))) < 0.2);
  });

  it('say nothing of bins that neither fills', () => {
    assert.equal(wordSimilarity(minima(''), minima(' \n')), 1);
    assert.equal(wordSimilarity(minima('one'), minima('two')), 0);
    assert.equal(wordSimilarity(minima('one two'), minima('two one')), 1);
  });
});
