import type { Trace } from '../../protocol/trace/trace.ts';
import { BLOCKS, MAX_SLACK, type Block } from '../constants.ts';
import { fingerprintOf } from './fingerprint.ts';

/**
 * Whether a run was sampled well enough to have the curves it is compared by: none has more than half of the slack that a comparison of two
 * excuses, and of the one tolerance that they may differ beyond it. Two such runs of the same counters are never told apart by when they were sampled, for their curves are
 * off by no more than their slack.
 */
export function supportsCurves(trace: Trace): boolean {
  // As if few samples had been due: slack is asked for, not whether it is granted.
  const { features } = fingerprintOf({ ...trace, intervalMs: Number.MAX_VALUE });
  let next = 0;
  return (BLOCKS as readonly Block[]).every(({ kind, count, tolerance }) => {
    next += count;
    return kind !== 'curve' || !(features[next - 1]! > ((MAX_SLACK + 1) / 2) * tolerance);
  });
}
