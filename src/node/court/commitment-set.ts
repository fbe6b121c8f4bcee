import type { Hex } from 'viem';
import { signCommitmentSet, verifySet } from '../../chain/index.ts';
import { messageOf, replay, rosterHashOf, seatOf, setDigestOf, withCommitments, type SealedSeat, type SignedSet } from '../../protocol/index.ts';
import type { NodeComponents } from '../components.ts';
import type { ReplicaRecord } from '../replica-record.ts';

type Signed = { status: 'signed'; signature: Hex } | { status: 'refused'; reason: string };

/**
 * Signs that these are all commitments there will be, if the node's own stands in its place. One set a job: a second one, or another
 * commitment, would cost the stake. The signature is on disk before it is given away.
 */
export async function signSet(
  { chain, court, journal }: Pick<NodeComponents, 'chain' | 'court' | 'journal'>, record: ReplicaRecord, commitments: readonly Hex[],
): Promise<Signed> {
  const { jobId, outcome, set } = record;
  if (set !== undefined) return same(set.commitments, commitments) ? { status: 'signed', signature: set.signature } : refused('another set is signed');
  const job = replay(record.events);
  if (job?.state !== 'Assigned') return refused(`the job is ${job?.state ?? 'not on chain'}`);
  const { address } = chain.signer();
  const seat = seatOf(job.roster, address);
  if (outcome === undefined || seat < 0 || commitments.length !== job.roster.length || commitments[seat] !== outcome.commitment.toLowerCase()) {
    return refused('the set does not have this node\'s commitment in its place');
  }
  const signature = await signCommitmentSet(chain.signer(), court, { jobId, setDigest: setDigestOf(withCommitments(job.roster, commitments)) });
  // Another set may have been signed while this one was.
  if (record.set !== undefined) return signSet({ chain, court, journal }, record, commitments);
  record.set = { commitments: [...commitments], signature };
  await journal.put(jobId, record);
  return { status: 'signed', signature };
}

/**
 * Takes note of everybody's signatures over the set this node signed. From then on it can close the job on chain by itself.
 *
 * @param rosterHash what the chain has now
 * @returns why the set does not count, or undefined
 */
export async function acceptSet(
  { court, journal }: Pick<NodeComponents, 'court' | 'journal'>, record: ReplicaRecord, { commitments, signatures }: SignedSet, rosterHash: Hex,
): Promise<string | undefined> {
  const { jobId, set } = record;
  if (set === undefined || !same(set.commitments, commitments)) return 'this node has not signed that set';
  if (set.signatures !== undefined) return undefined;
  const job = replay(record.events);
  if (job?.state !== 'Assigned' || rosterHashOf(job.roster) !== rosterHash) return 'the roster on chain is another one';
  try {
    await verifySet(court, jobId, job.roster, { commitments, signatures });
  } catch (error) {
    return messageOf(error);
  }
  set.signatures = [...signatures];
  await journal.put(jobId, record);
  return undefined;
}

/** Whether the chain has other commitments than the set that all had signed; newcomers of a widened job sign none. */
export function overruled(roster: readonly SealedSeat[], set: ReplicaRecord['set']): boolean {
  return set?.signatures !== undefined && set.commitments.length === roster.length && !same(set.commitments, roster.map(({ commitment }) => commitment));
}

function same(a: readonly Hex[], b: readonly Hex[]): boolean {
  return a.length === b.length && a.every((commitment, seat) => commitment.toLowerCase() === b[seat]!.toLowerCase());
}

function refused(reason: string): Signed {
  return { status: 'refused', reason };
}
