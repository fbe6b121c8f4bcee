import type { Hex } from 'viem';
import { isError, setDigestOf, withCommitments, type Court, type JobEvent, type Pledge, type SealedSeat, type SignedSet } from '../../protocol/index.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import type { EventPosition } from '../watch/decode-events.ts';
import { readPledge } from './read-pledge.ts';
import { verifyCommitment, verifySetSignature } from '../accounts/verify.ts';

/** Two statements of one seat that cannot both be meant. */
export interface Contradiction { index: number; pledges: [Pledge, Pledge] }

/**
 * Holds what seats signed and sent us against what they signed on chain. A node that called the chain itself left no signature there: then
 * there is nothing to show.
 *
 * @param events of the job, as the chain gave them
 * @param held everybody's signatures over the set, and commitments signed one by one, by seat; the latter in the first place if there are both
 * @throws ChainError RPC_UNREACHABLE, RPC_ERROR
 */
export async function findContradictions(
  chain: Chain, court: Court, { jobId, roster, events, set, commitments }: {
    jobId: Hex; roster: readonly SealedSeat[]; events: readonly JobEvent[]; set?: SignedSet | undefined; commitments?: readonly ({ commitment: Hex; signature: Hex } | undefined)[];
  }, options: CallOptions = {},
): Promise<Contradiction[]> {
  const held = (index: number): Pledge | undefined => {
    const own = commitments?.[index];
    if (own !== undefined) return { isSet: false, commitments: [own.commitment], signature: own.signature };
    const signature = set?.signatures[index];
    return signature === undefined ? undefined : { isSet: true, commitments: set!.commitments, signature };
  };
  const found = new Map<number, Contradiction>();
  for (const event of events) {
    for (const { index, commitment } of saidIn(event)) {
      const pledge = held(index);
      if (pledge === undefined || found.has(index) || same(commitmentOf(pledge, index), commitment)) continue;
      const said = await readPledge(chain, court, { transactionHash: (event as JobEvent & EventPosition).transactionHash, jobId, index }, options);
      if (said !== undefined && !same(commitmentOf(said, index), commitmentOf(pledge, index)) && await isSigned(chain, court, jobId, roster, index, said)) {
        found.set(index, { index, pledges: [pledge, said] });
      }
    }
  }
  return [...found.values()];
}

function saidIn(event: JobEvent): { index: number; commitment: Hex }[] {
  if (event.type === 'CommitmentPosted') return [event];
  return event.type === 'SetPosted' ? event.commitments.map((commitment, index) => ({ index, commitment })) : [];
}

function commitmentOf({ isSet, commitments }: Pledge, index: number): Hex {
  return commitments[isSet ? index : 0]!;
}

/** A message that is passed over is not checked by the contract: its signatures may be anything. */
async function isSigned(chain: Chain, court: Court, jobId: Hex, roster: readonly SealedSeat[], index: number, { isSet, commitments, signature }: Pledge): Promise<boolean> {
  const { node } = roster[index]!;
  try {
    if (isSet) await verifySetSignature(court, node, { jobId, setDigest: setDigestOf(withCommitments(roster.slice(0, commitments.length), commitments)) }, signature, chain);
    else await verifyCommitment(court, { jobId, node, commitment: commitments[0]!, signature }, roster, chain);
    return true;
  } catch (error) {
    if (isError(error, 'BAD_SIGNATURE', 'BAD_ROSTER')) return false;
    throw error;
  }
}

function same(a: Hex, b: Hex): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
