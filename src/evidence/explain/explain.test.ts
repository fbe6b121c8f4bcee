import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explainDifference } from './explain.ts';
import { fingerprintOf } from '../fingerprint/fingerprint.ts';
import { runProfile, runTrace, type RunShape } from '../test-support/run.ts';

const print = (shape: RunShape = {}, profile = runProfile()) => fingerprintOf(runTrace(shape), profile);

describe('explainDifference', () => {
  it('names amounts', () => {
    assert.match(explainDifference(print(), print({ readBytes: 104e6 })), /^reads 48 % fewer bytes/);
    assert.match(explainDifference(print(), print({ peakBytes: 64 * 2 ** 20 })), /^peak memory 4x lower/);
    assert.match(explainDifference(print(), print({ writtenBytes: 0 })), /writes hardly anything/);
    assert.match(explainDifference(print({ writtenBytes: 0 }), print()), /writes more bytes/);
    assert.match(explainDifference(print(), print({}, runProfile({ values: 16 }))), /output entropy 4\.0 instead of 6\.0 bits a byte/);
  });

  it('names shapes', () => assert.match(explainDifference(print(), print({ memory: (work) => 1 - work })), /memory over work takes another course/));

  it('says when there is no difference, or nothing to compare', () => {
    assert.match(explainDifference(print(), print({ cpuSeconds: 9 })), /^within tolerance/);
    assert.match(explainDifference(print(), fingerprintOf({ ...runTrace(), channels: {} })), /too few channels/);
  });
});
