import { isAddressEqual } from 'viem';
import { verifyCommitment } from '../../chain/index.ts';
import { messageOf, type CommitmentMessage } from '../../protocol/index.ts';
import type { SessionContext } from './context.ts';

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
    const known = record.commitments[key];
    if (known?.commitment === commitment.commitment) return undefined;
    try {
      await verifyCommitment(court, { node, ...commitment }, seats, chain);
    } catch (error) {
      return messageOf(error);
    }
    const signed = { commitment: commitment.commitment, signature: commitment.signature };
    if (record.commitments[key] !== undefined) {
      // What it signed first stands; that it signed another one may cost it its stake.
      record.contradictions = { ...record.contradictions, [key]: [record.commitments[key], signed] };
      await this.#context.save();
      this.#context.progress({ stage: 'contradiction', node });
      this.#context.poke();
      return 'the node has signed another commitment';
    }
    record.commitments[key] = signed;
    const bidder = record.bids.find(({ bid }) => isAddressEqual(bid.node, node));
    if (bidder?.addrs.length === 0) bidder.addrs = [`/p2p/${peer}`];
    this.#context.saveSoon();
    const of = 'roster' in job ? job.roster.length : job.request.replicas;
    this.#context.progress({ stage: 'commitment', node, count: Object.keys(record.commitments).length, of });
    this.#context.poke();
    return undefined;
  }
}
