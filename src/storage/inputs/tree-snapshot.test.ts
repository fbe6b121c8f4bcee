import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { TreeSnapshot } from './tree-snapshot.ts';

test('a tree is the digest of its sorted digests, in whatever order they were noted', () => {
  const entries = fc.array(fc.tuple(fc.string({ maxLength: 4 }), fc.string({ maxLength: 2 })), { maxLength: 9000, size: 'max' });
  fc.assert(fc.property(entries, (noted) => {
    const digests = noted.map(([path, identity]) => createHash('sha256').update(`${path}\0${identity}`).digest()).sort(Buffer.compare);
    const expected = createHash('sha256').update(Buffer.concat(digests)).digest('hex');
    for (const order of [noted, noted.toReversed()]) {
      const snapshot = new TreeSnapshot();
      for (const [path, identity] of order) snapshot.note(path, identity);
      assert.equal(snapshot.digest(), expected);
    }
  }), { numRuns: 20 });
});
