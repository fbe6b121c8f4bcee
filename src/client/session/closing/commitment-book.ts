import { isAddressEqual } from 'viem';
import { verifyCommitment } from '../../../chain/index.ts';
import { messageOf, type CommitmentMessage } from '../../../protocol/index.ts';
import { addrsOf } from '../../book/addrs-of.ts';
import type { ReceivedBid } from '../../book/job-record.ts';
import type { SessionContext } from '../context.ts';

/** The signed commitments of one job, as its nodes send them. */
export class CommitmentBook {
  readonly #context: SessionContext;

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /**
   * A commitment arrived.
   *
   * @param peer who said it: where a node listens of which only the chain brought a bid
   * @returns why it is declined, or undefined
   */
  async receive({ node, ...commitment }: CommitmentMessage, peer: string): Promise<string | undefined> {
    const { components: { court, chain }, record } = this.#context;
    const job = this.#context.job();
    if (job === undefined || (job.state !== 'Open' && !('roster' in job))) return 'the job is not assigned';
    // A node may see the assignment, and even end a short run, before this client has the receipt of it: then the bidders are who may commit.
    const seats = 'roster' in job ? job.roster : record.bids.map(({ bid }) => bid);
    const key = node.toLowerCase();
    const isKnown = (): boolean => record.commitments[key]?.commitment === commitment.commitment;
    // A node of which only the chain brought a bid says by this where it listens.
    const unreachable = (): ReceivedBid | undefined => (addrsOf(record, node).length > 0 ? undefined : record.bids.find(({ bid }) => isAddressEqual(bid.node, node)));
    if (isKnown() && unreachable() === undefined) return undefined;
    try {
      await verifyCommitment(court, { node, ...commitment }, seats, chain);
    } catch (error) {
      return messageOf(error);
    }
    const silent = unreachable();
    if (silent !== undefined) silent.addrs = [`/p2p/${peer}`];
    // The same word may have come twice while the first was being verified.
    if (isKnown()) return undefined;
    const signed = { commitment: commitment.commitment, signature: commitment.signature };
    const first = record.commitments[key];
    if (first !== undefined) {
      // What it signed first stands; that it signed another one may cost it its stake.
      record.contradictions = { ...record.contradictions, [key]: [first, signed] };
      await this.#context.save();
      this.#context.progress({ stage: 'contradiction', node });
      this.#context.poke();
      return 'the node has signed another commitment';
    }
    record.commitments[key] = signed;
    this.#context.saveSoon();
    const of = 'roster' in job ? job.roster.length : job.request.replicas;
    this.#context.progress({ stage: 'commitment', node, count: Object.keys(record.commitments).length, of });
    this.#context.poke();
    return undefined;
  }
}
