import { zeroHash, type Hex } from 'viem';
import { getBlock } from 'viem/actions';
import { readJob, readParty, readScore, signBid } from '../../chain/index.ts';
import {
  BPS, countedLocality, decodeSpec, jobIdOf, keyOf, messageOf, NO_CLAIM, parseCid, reachAfter, reachedAfter, scoreBps, specDigest,
  type Announcement, type JobRequest, type JobSpec, type SignedBid,
} from '../../protocol/index.ts';
import { awaitSeed } from './await-seed.ts';
import { refusal } from './bid-policy.ts';
import type { NodeComponents, NodeInit } from '../components.ts';
import { MAX_PENDING_JOBS } from '../constants.ts';
import { NodeError } from '../errors.ts';
import { inputSources } from '../shards/input-sources.ts';
import { whyUncountable } from '../shards/why-uncountable.ts';

/** `reachedAt`: the draw does not reach this node yet, but from then on, unix seconds of the chain. */
export interface BidDecision { jobId: Hex; spec: JobSpec; bid?: SignedBid; reason?: string; reachedAt?: number }

/** `pending`: jobs this node already waits for or runs; `round`: which draw the bid is for. */
export interface BidSituation { pending: number; round: number }

/**
 * Looks at an announced job and makes a signed bid for it, or says why not. Where the bid depends on the draw's seed it waits for that.
 *
 * @throws NodeError ANNOUNCEMENT_INVALID when the spec is not the one the request names
 */
export async function considerJob(
  { chain, court, storage, engines, possessions, log }: Pick<NodeComponents, 'chain' | 'court' | 'storage' | 'engines' | 'possessions' | 'log'>,
  { address, policy, offer, hardware }: NodeInit,
  announcement: Announcement,
  { pending, round }: BidSituation,
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
    spec, request, policy, offer, hardware, clientScore, pending,
    engines, ownScore: scoreBps(own), freeStake: own.free, maxPending: MAX_PENDING_JOBS,
  });
  if (reason !== undefined) return { jobId, spec, reason };
  const { shareBps, inputBytes = 0, missing } = await lookForData(storage, spec, announcement.addrs, policy.localDataOnly, signal);
  if (missing !== undefined) return { jobId, spec, reason: missing };
  const uncountable = await whyUncountable(storage, spec, request, signal);
  if (uncountable !== undefined) return { jobId, spec, reason: uncountable };

  const inputs = spec.inputs.map(({ source }) => source);
  const holds = shareBps === BPS && request.dataRoot !== zeroHash && await isHeld(possessions, inputs, inputBytes, request, log, signal);
  const seed = holds || request.reach > 0n ? await awaitSeed(chain, jobId, signal) : zeroHash;
  const possession = holds ? await possessions.claim(inputs, { seed, node: address, signal }) : undefined;
  const claim = possession === undefined ? { possession: NO_CLAIM.possession, seed: NO_CLAIM.seed } : { possession, seed };
  const bid = { jobId, node: address, price: policy.price, locality: shareBps, ...claim, round };
  if (request.reach > 0n) {
    const key = keyOf(seed, { ...bid, locality: countedLocality(request, bid), stake: own.free + own.locked, score: scoreBps(own) }, request.maxPrice);
    const { timestamp } = await getBlock(chain.client, {});
    const { since } = await readJob(chain, jobId, { signal });
    if (key > reachAfter(request, Number(timestamp) - since)) return { jobId, spec, reason: 'not among those the draw reaches yet', reachedAt: since + reachedAfter(request, key) };
  }
  return { jobId, spec, bid: { ...bid, signature: await signBid(chain.signer(), court, bid) } };
}

/** Whether the client's root is that of the input as it is here: a claim on another one's word could be made false by the client. */
async function isHeld(possessions: NodeComponents['possessions'], inputs: readonly string[], bytes: number, { dataRoot, dataBytes }: JobRequest, log: NodeComponents['log'], signal: AbortSignal): Promise<boolean> {
  try {
    const own = await possessions.rootNow(inputs, bytes, signal);
    return own !== undefined && own.dataRoot.toLowerCase() === dataRoot.toLowerCase() && own.dataBytes === dataBytes;
  } catch (error) {
    signal.throwIfAborted();
    log('warn', 'input not read', { reason: messageOf(error) });
    return false;
  }
}

/**
 * Share of the job's input bytes on this node, in basis points, rounded down (a job without inputs is local everywhere), and what is
 * neither here nor known to any source: a node that bid for data nobody has would be rated absent and lose stake.
 */
async function lookForData(
  storage: NodeComponents['storage'], spec: JobSpec, clientAddrs: readonly string[], localOnly: boolean, signal: AbortSignal,
): Promise<{ shareBps: number; inputBytes?: number; missing?: string }> {
  const sources = inputSources(spec);
  const wanted = [...sources, ...(spec.engine === 'noop' ? [] : [spec.image])].map((text) => parseCid(text));
  const held = await Promise.all(wanted.map((cid) => storage.locality(cid, { signal })));
  for (const [i, cid] of wanted.entries()) {
    if (held[i]!.share === 1) continue;
    if (localOnly) return { shareBps: 0, missing: `${cid} is not on this node, which takes only jobs on its own data` };
    // Who asks for the job often has what it needs, and may be nobody's neighbour yet.
    await storage.connect(clientAddrs, { signal }).catch(() => undefined);
    if (!await storage.isFindable(cid, { signal })) return { shareBps: 0, missing: `no source knows ${cid}` };
  }
  const absent = held.reduce((sum, { totalBytes, heldBytes }) => sum + totalBytes - heldBytes, 0);
  try {
    await storage.requireSpace(spec.resources.diskBytes + absent);
  } catch (error) {
    // What nobody needs any more may be what fills the disk.
    void storage.collect({ signal }).catch(() => {});
    return { shareBps: 0, missing: messageOf(error) };
  }
  const inputs = held.slice(0, sources.length);
  const total = inputs.reduce((sum, { totalBytes }) => sum + totalBytes, 0);
  if (inputs.some(({ totalBytes, share }) => totalBytes === 0 && share < 1)) return { shareBps: 0 };
  return { inputBytes: total, shareBps: total === 0 ? 10_000 : Math.floor((inputs.reduce((sum, { heldBytes }) => sum + heldBytes, 0) / total) * 10_000) };
}
