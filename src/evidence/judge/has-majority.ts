import { hexToBytes } from 'viem/utils';
import type { Opening, Policy } from '../../protocol/index.ts';
import { majorityOf } from './majority.ts';

/** Whether the contract finds a majority among opened replicas of a job of `shards` shards: by their sketches, or under the policy `exact` by their results. */
export function hasMajority(policy: Policy, openings: readonly Opening[], shards: number): boolean {
  if (policy === 'none') return openings.length > 0;
  if (policy === 'trace') return majorityOf(openings.map(({ sketch, resultDigest }) => ({ sketch: hexToBytes(sketch), resultDigest })), shards).length > 0;
  return openings.some(({ resultDigest }) => 2 * openings.filter((other) => other.resultDigest === resultDigest).length > openings.length);
}
