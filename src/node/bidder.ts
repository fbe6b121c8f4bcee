import type { Hex } from 'viem';
import { readParty, readScore, signBid } from '../chain/index.ts';
import { decodeSpec, jobIdOf, messageOf, NO_CLAIM, parseCid, scoreBps, specDigest, type Announcement, type JobSpec, type SignedBid } from '../protocol/index.ts';
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
  const { shareBps, missing } = await lookForData(storage, spec, announcement.addrs, policy.localDataOnly, signal);
  if (missing !== undefined) return { jobId, spec, reason: missing };

  const bid = { jobId, node: address, price: policy.price, locality: shareBps, ...NO_CLAIM };
  return { jobId, spec, bid: { ...bid, signature: await signBid(chain.signer(), court, bid) } };
}

/**
 * Share of the job's input bytes on this node, in basis points, rounded down (a job without inputs is local everywhere), and what is
 * neither here nor known to any source: a node that bid for data nobody has would be rated absent and lose stake.
 */
async function lookForData(
  storage: NodeComponents['storage'], spec: JobSpec, clientAddrs: readonly string[], localOnly: boolean, signal: AbortSignal,
): Promise<{ shareBps: number; missing?: string }> {
  const wanted = [...spec.inputs.map(({ source }) => source), ...(spec.engine === 'noop' ? [] : [spec.image])].map((text) => parseCid(text));
  const held = await Promise.all(wanted.map((cid) => storage.locality(cid, { signal })));
  for (const [i, cid] of wanted.entries()) {
    if (held[i]!.share === 1) continue;
    if (localOnly) return { shareBps: 0, missing: `${cid} is not on this node, which takes only jobs on its own data` };
    // Who asks for the job often has what it needs, and may be nobody's neighbour yet.
    await storage.connect(clientAddrs, { signal }).catch(() => undefined);
    const locations = await storage.locate(cid, { signal });
    if (!locations.some(({ has }) => has)) return { shareBps: 0, missing: `no source knows ${cid}` };
  }
  const absent = held.reduce((sum, { totalBytes, heldBytes }) => sum + totalBytes - heldBytes, 0);
  try {
    await storage.requireSpace(spec.resources.diskBytes + absent);
  } catch (error) {
    // What nobody needs any more may be what fills the disk.
    void storage.collect({ signal }).catch(() => {});
    return { shareBps: 0, missing: messageOf(error) };
  }
  const inputs = held.slice(0, spec.inputs.length);
  const total = inputs.reduce((sum, { totalBytes }) => sum + totalBytes, 0);
  if (inputs.some(({ totalBytes, share }) => totalBytes === 0 && share < 1)) return { shareBps: 0 };
  return { shareBps: total === 0 ? 10_000 : Math.floor((inputs.reduce((sum, { heldBytes }) => sum + heldBytes, 0) / total) * 10_000) };
}
