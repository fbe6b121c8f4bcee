import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explainRuns } from './explain-runs.ts';
import { fingerprintOf } from '../fingerprint/fingerprint.ts';
import { runProfile, runTrace, type RunShape } from '../test-support/run.ts';

const run = (shape: RunShape = {}) => fingerprintOf(runTrace(shape), runProfile());

describe('explainRuns', () => {
  it('names what differs, in amounts with units, and what agrees', () => {
    const { differs, agrees, distance } = explainRuns(run(), run({ readBytes: 104e6 }));
    assert.equal(differs[0]!.text, 'reads 48 % fewer bytes (99.2 MiB instead of 190.7 MiB)');
    assert.ok(distance > 1 && distance === differs[0]!.distance);
    assert.ok(agrees.some(({ text }) => text === 'peak memory 256.0 MiB') && agrees.every((block) => block.distance <= 1));
  });

  it('says in which third of the work a course parts', () => {
    const falls = (work: number) => (work > 0.7 ? 0.25 : 1);
    const text = (name: string) => explainRuns(run({ memory: () => 1 }), run({ memory: falls })).differs.find(({ block }) => block === name)!.text;
    assert.match(text('memory over work'), /x lower, beside its peak, in the last third of the work$/);
  });

  it('says what could not be compared, and from whom it is missing', () => {
    const { channels, ...rest } = runTrace();
    const { readBytes: _, ...fewer } = channels;
    const { missing, agrees, differs } = explainRuns(run(), fingerprintOf({ ...rest, channels: fewer }));
    const of = (block: string) => missing.find((one) => one.block === block)?.from;
    assert.deepEqual([of('bytes read'), of('output size'), of('output content'), of('instructions')], ['second', 'second', 'second', 'both']);
    assert.ok([...agrees, ...differs].every(({ block }) => of(block) === undefined));
  });
});
