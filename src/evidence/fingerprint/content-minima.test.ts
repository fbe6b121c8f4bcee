import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { CONTENT_BINS } from '../constants.ts';
import { ContentMinima, contentSimilarity, NO_CHUNK } from './content-minima.ts';

const minimaOf = (...pieces: Uint8Array[]): Uint32Array => {
  const content = new ContentMinima();
  for (const piece of pieces) content.add(piece);
  return content.minima();
};

/** Lines of a table, whose numbers come from `seed`. */
const table = (seed: number, lines: number): string[] => Array.from({ length: lines }, (_, i) => `${i},${Math.imul(seed + i, 0x9e37_79b1) >>> 0},Office Supplies,${(seed * 31 + i * 17) % 1000}\n`);
const similarity = (a: string[], b: string[]) => contentSimilarity(minimaOf(Buffer.from(a.join(''))), minimaOf(Buffer.from(b.join(''))));

describe('content minima', () => {
  it('do not depend on where pieces end', () => fc.assert(fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(3000), (bytes, cut) => {
    assert.deepEqual(minimaOf(bytes.subarray(0, cut), bytes.subarray(cut)), minimaOf(bytes));
  })));

  it('are all empty for nothing and never for something', () => {
    assert.ok(minimaOf().every((minimum) => minimum === NO_CHUNK));
    for (const length of [1, 15, 512, 513, 10_000]) assert.ok(minimaOf(new Uint8Array(length)).every((minimum) => minimum < 2 ** 26), String(length));
    assert.equal(minimaOf().length, CONTENT_BINS);
  });

  it('are equal for equal content, nearly so for a few changed lines, and unlike for another input', () => {
    const lines = table(1, 5000);
    assert.equal(similarity(lines, lines), 1);
    assert.ok(similarity(lines, lines.toSpliced(100, 2, 'another line\n').toSpliced(4000, 0, 'one more\n')) > 0.9);
    assert.ok(similarity(lines, table(2, 5000)) < 0.1);
  });

  it('estimate the shared part of two outputs, wherever it stands', () => {
    const a = table(1, 20_000);
    const half = [...table(3, 10_000), ...a.slice(0, 10_000)];
    // Two sets of equal size that share half: a Jaccard similarity of a third.
    assert.ok(Math.abs(similarity(a, half) - 1 / 3) < 0.2, String(similarity(a, half)));
  });

  it('tell small outputs apart', () => {
    assert.equal(similarity(['42\n'], ['42\n']), 1);
    assert.ok(similarity(['42\n'], ['43\n']) < 0.1);
  });

  it('have golden values', () => {
    assert.deepEqual([...minimaOf(Buffer.from(table(7, 100).join(''))).subarray(0, 4)], [37_655_175, 5_104_076, 14_359_819, 20_163_659]);
  });
});
