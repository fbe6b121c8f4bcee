import assert from 'node:assert/strict';
import { it } from 'node:test';
import { METER_VERSION, meterOf } from './meter.ts';

it('reads the meter of a run from where it ran', () => {
  assert.equal(meterOf({ engine: 'wasm', runtime: `node v24.1.0 meter ${METER_VERSION}` }), METER_VERSION);
  assert.equal(meterOf({ engine: 'wasm', runtime: 'node v24.1.0' }), 1);
  assert.equal(meterOf({ engine: 'container', runtime: 'runc 1.1.5 meter 7' }), undefined);
});
