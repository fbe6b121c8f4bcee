import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MAX_FILES_PER_SHARD, MAX_SHARDS } from '../constants.ts';
import { isError } from '../base/errors.ts';
import { parseJobSpec, type JobSpecInput } from '../spec/job-spec.ts';
import { planShards } from './plan-shards.ts';

const CID = 'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi';
const OTHER = 'bafybeibwzifw52ttrkqlikfzext5akxu7lz4xiwjgwzmqcpdzmp3n5vnbe';
const spec = (shards: JobSpecInput['shards']) => parseJobSpec({
  command: ['wc'], env: { LANG: 'C' }, inputs: [{ source: OTHER, target: '/model' }, { source: CID, target: '/inputs/d' }], shards,
});
const byFile = (filesPerShard = 1) => spec({ by: 'file', input: 1, filesPerShard });
/** Names as hostile as a directory can have: anything but a slash and NUL, dots alone excepted. */
const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..' && text.isWellFormed());
const paths = fc.uniqueArray(fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')), { minLength: 1, maxLength: 60 });

describe('shards of a directory', () => {
  test('every file is in one shard, in order, whatever its name; each has its number', () => {
    fc.assert(fc.property(paths, fc.integer({ min: 1, max: MAX_FILES_PER_SHARD }), (files, filesPerShard) => {
      const plan = planShards(byFile(filesPerShard), files);
      const shards = Array.from({ length: plan.count }, (_, i) => plan.shard(i));
      const dealt = shards.flatMap((shard) => shard.files);
      assert.deepEqual(dealt.toSorted(), files.toSorted());
      assert.ok(dealt.every((path, i) => i === 0 || Buffer.compare(Buffer.from(dealt[i - 1]!), Buffer.from(path)) < 0));
      assert.ok(shards.every((shard, i) => shard.index === i && (shard.files.length === filesPerShard || i === plan.count - 1) && shard.files.length > 0));
      for (const [i, shard] of shards.entries()) {
        assert.deepEqual(shard.spec.env, { LANG: 'C', GADUS_SHARD: String(i), GADUS_SHARDS: String(plan.count) });
        assert.deepEqual(shard.spec.inputs.map(({ target }) => target), ['/model']);
        assert.equal('shards' in shard.spec, false);
      }
    }));
  });

  test('the order in which the files are told does not matter', () => {
    fc.assert(fc.property(paths.chain((files) => fc.tuple(fc.constant(files), fc.shuffledSubarray(files, { minLength: files.length }))), fc.integer({ min: 1, max: 9 }), ([files, shuffled], n) => {
      const [a, b] = [planShards(byFile(n), files), planShards(byFile(n), shuffled)];
      assert.deepEqual(Array.from({ length: a.count }, (_, i) => a.shard(i)), Array.from({ length: b.count }, (_, i) => b.shard(i)));
    }));
  });

  const refused = (files: string[], what: RegExp, filesPerShard = 1) => assert.throws(
    () => planShards(byFile(filesPerShard), files), (error) => isError(error, 'SHARDS_INVALID') && what.test(error.message));

  test('what cannot be split is a typed error', () => {
    refused([], /no files/);
    refused(Array.from({ length: MAX_SHARDS + 1 }, (_, i) => String(i)), /at most 10000/);
    refused(['a', 'b', 'a'], /two files/);
    for (const path of ['../a', 'a/../b', './a', 'a//b', '/a', 'a/', '', 'a\0b']) refused([path], /not a path/);
    refused(['x/'.repeat(2100) + 'y'], /4095 bytes/);
    assert.equal(planShards(byFile(2), Array.from({ length: 2 * MAX_SHARDS }, (_, i) => String(i))).count, MAX_SHARDS);
  });
});

describe('shards of a list or a count', () => {
  test('a list says what is different', () => {
    const plan = planShards(spec({ by: 'list', list: [{ env: { LANG: 'de' } }, { args: ['-l'] }, { inputs: [{ source: CID, target: '/extra' }] }] }));
    assert.equal(plan.count, 3);
    assert.deepEqual([0, 1, 2].map((i) => plan.shard(i).spec.env.LANG), ['de', 'C', 'C']);
    assert.deepEqual([0, 1, 2].map((i) => plan.shard(i).spec.command), [['wc'], ['wc', '-l'], ['wc']]);
    assert.deepEqual([0, 1, 2].map((i) => plan.shard(i).spec.inputs.length), [2, 2, 3]);
  });

  test('a count gives each its number', () => {
    const plan = planShards(spec({ by: 'count', count: 3 }));
    assert.deepEqual([0, 1, 2].map((i) => plan.shard(i).spec.env.GADUS_SHARD), ['0', '1', '2']);
    assert.equal(plan.shard(2).spec.env.GADUS_SHARDS, '3');
  });

  test('inputs that lie over each other and inputs that are not there are refused', () => {
    const bad = (shards: JobSpecInput['shards'], what: RegExp) => assert.throws(() => spec(shards), (error) => isError(error, 'SPEC_INVALID') && what.test(error.message));
    bad({ by: 'list', list: [{ inputs: [{ source: CID, target: '/model/x' }] }] }, /overlaps inputs.0.target/);
    bad({ by: 'file', input: 2 }, /no input 2/);
    bad({ by: 'count', count: MAX_SHARDS + 1 }, /count/);
    // Each shard has its own inputs: two may have the same place.
    spec({ by: 'list', list: [{ inputs: [{ source: CID, target: '/x' }] }, { inputs: [{ source: CID, target: '/x' }] }] });
  });
});
