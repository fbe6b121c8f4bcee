import type { Hex } from 'viem';
import { readParty, readScore, signBid } from '../chain/index.ts';
import { decodeSpec, jobIdOf, parseCid, scoreBps, specDigest, type Announcement, type JobSpec, type SignedBid } from '../protocol/index.ts';
import { refusal } from './bid-policy.ts';
import type { NodeComponents, NodeInit } from './components.ts';
import { MAX_PENDING_JOBS } from './constants.ts';
import { NodeError } from './errors.ts';

export interface BidDecision { jobId: Hex; spec: JobSpec; bid?: SignedBid; reason?: string }

/**
 * Looks at an announced job and makes a signed bid for it, or says why not.
 *
 * @param pending jobs this node already waits for or runs
 * @throws NodeError ANNOUNCEMENT_INVALID when the spec is not the one the request names
 */
export async function considerJob(
  { chain, court, storage, engines }: Pick<NodeComponents, 'chain' | 'court' | 'storage' | 'engines'>,
  { address, policy, offer }: NodeInit,
  announcement: Announcement,
  pending: number,
  signal: AbortSignal,
): Promise<BidDecision> {
  const { request } = announcement;
  const jobId = jobIdOf(court, request);
  if (specDigest(announcement.spec) !== request.specDigest) {
    throw new NodeError('ANNOUNCEMENT_INVALID', 'the announced spec is not the one the request names', { details: jobId });
  }
  const spec = decodeSpec(announcement.spec);
  const [own, clientScore] = await Promise.all([
    readParty(chain, address, 'node', { signal }),
    policy.minClientScoreBps === 0 ? 0 : readScore(chain, request.client, 'client', { signal }),
  ]);
  const reason = refusal({
    spec, request, policy, offer, clientScore, pending,
    engines: engines.map((engine) => engine.name), ownScore: scoreBps(own), freeStake: own.free, maxPending: MAX_PENDING_JOBS,
  });
  if (reason !== undefined) return { jobId, spec, reason };

  const bid = { jobId, node: address, price: policy.price, locality: await localShareBps(storage, spec) };
  return { jobId, spec, bid: { ...bid, signature: await signBid(chain.signer(), court, bid) } };
}

/** Share of the job's input bytes on this node, in basis points, rounded down; a job without inputs is local everywhere. */
async function localShareBps(storage: NodeComponents['storage'], spec: JobSpec): Promise<number> {
  const parts = await Promise.all(spec.inputs.map(({ source }) => storage.locality(parseCid(source))));
  const total = parts.reduce((sum, part) => sum + part.totalBytes, 0);
  if (parts.some((part) => part.totalBytes === 0 && part.share < 1)) return 0;
  return total === 0 ? 10_000 : Math.floor((parts.reduce((sum, part) => sum + part.heldBytes, 0) / total) * 10_000);
}
