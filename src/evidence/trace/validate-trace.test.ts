import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Trace } from '../../protocol/trace/trace.ts';
import { isError } from '../../protocol/base/errors.ts';
import { anyTrace, runTrace } from '../test-support/run.ts';
import { validateTrace } from './validate-trace.ts';

const broken: Record<string, (trace: Trace) => void> = {
  'no samples': (trace) => { trace.t = new Float64Array(); trace.channels = {}; },
  'time that stands still': (trace) => { trace.t[2] = trace.t[1]!; },
  'time that does not start at 0': (trace) => { trace.t[0] = 1; },
  'infinite time': (trace) => { trace.t[4] = Infinity; },
  'time that is not a number': (trace) => { trace.t[1] = Number.NaN; },
  'a counter that falls': (trace) => { trace.channels.minorFaults![2] = 0; },
  'a counter that starts above 0': (trace) => { trace.channels.cpuNs!.fill(7); },
  'a negative level': (trace) => { trace.channels.residentBytes![2] = -1; },
  'a level that is not a number': (trace) => { trace.channels.residentBytes![2] = Number.NaN; },
  'unequal lengths': (trace) => { trace.channels.readCalls = new Float64Array(4); },
  'an unknown channel': (trace) => { (trace.channels as Record<string, Float64Array>)['nonsense'] = new Float64Array(5); },
  'no engine': (trace) => { trace.engine = ''; },
  'an interval of zero': (trace) => { trace.intervalMs = 0; },
};

describe('validateTrace', () => {
  it('takes every trace a sampler can write', () => fc.assert(fc.property(anyTrace, (trace) => validateTrace(trace))));
  for (const [what, damage] of Object.entries(broken)) {
    it(`refuses ${what}`, () => {
      const trace = runTrace({ samples: 5 });
      damage(trace);
      assert.throws(() => validateTrace(trace), (error) => isError(error, 'TRACE_INVALID'));
    });
  }
});
