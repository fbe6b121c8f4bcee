import { isAddressEqual, type Address, type Hex } from 'viem';
import { readSeed, verifyBid } from '../../../chain/index.ts';
import { decodeSpec, hasClaim, MAX_BIDS, messageOf, postedBids, type BidMessage, type JobState, type SignedBid } from '../../../protocol/index.ts';
import { FEW_BIDS_AFTER_MS } from '../../constants.ts';
import type { SessionContext } from '../context.ts';
import type { FalseClaims } from './false-claims.ts';

/** The bids of one job: those that came by the network and those that stand on chain. */
export class BidBook {
  readonly #context: SessionContext;
  readonly #claims: FalseClaims;
  readonly #hasInput: boolean;
  readonly #seeds = new Map<number, Promise<Hex>>();
  /** Nodes whose bids for newcomers were sent to the chain. It keeps the best alone and says nothing of the others: sent again, they would cost again. */
  readonly #offered = new Set<string>();
  #saidFewBids = '';

  constructor(context: SessionContext, claims: FalseClaims) {
    this.#context = context;
    this.#claims = claims;
    const { inputs, shards } = decodeSpec(Buffer.from(context.record.spec));
    this.#hasInput = inputs.length > 0 || shards?.by === 'list';
  }

  /** A bid arrived. @returns why it is declined, or undefined */
  async receive({ bid, addrs }: BidMessage): Promise<string | undefined> {
    const { components: { court, chain }, record: { jobId, request, bids }, standings, signal } = this.#context;
    const job = this.#context.job();
    if (this.#knows(bid)) return undefined;
    if (job !== undefined && job.state !== 'Open' && job.state !== 'Widening') return `the job is ${job.state}`;
    if (job?.state === 'Widening' && job.roster.some(({ node }) => isAddressEqual(node, bid.node))) return 'the node has a seat already';
    const round = roundOf(job);
    try {
      const seed = hasClaim(bid) ? { seed: await this.#seed(round) } : {};
      await verifyBid(court, bid, { jobId, maxPrice: request.maxPrice, round, ...seed }, chain);
      if (await this.#claims.isFalse(bid)) return 'the node does not hold the input it claims to hold';
      // The draw would pass it over, and bids of accounts that cost nothing would crowd out the others.
      const { free } = await standings.read(bid.node, 'node', { signal });
      if (free < request.stake) return `the node has ${free} units of free stake, ${request.stake} are needed`;
    } catch (error) {
      return messageOf(error);
    }
    // The same bid may have come twice while the first was being verified.
    if (this.#knows(bid)) return undefined;
    bids.push({ bid, addrs });
    this.#context.mark('firstBid');
    this.#context.progress({ stage: 'bid', node: bid.node, price: bid.price, ...(this.#hasInput && { locality: bid.locality }), count: this.count });
    this.#context.poke();
    return undefined;
  }

  /** Bids that a draw now could take. */
  get count(): number {
    return this.assignable().length;
  }

  /** The bids for the draw that is next, 16 at most: first those that stand on chain, which it must not leave out. */
  assignable(): SignedBid[] {
    const { record } = this.#context;
    const job = this.#context.job();
    const round = roundOf(job);
    const seated = job?.state === 'Widening' ? job.roster : [];
    const free = ({ node }: { node: Address }) => !seated.some((seat) => isAddressEqual(seat.node, node));
    const posted = postedBids(record.events, round);
    const received = record.bids.map(({ bid }) => bid).filter((bid) => bid.round === round && free(bid) && !posted.some(({ node }) => isAddressEqual(node, bid.node)));
    return [...posted, ...received].slice(0, MAX_BIDS);
  }

  /** Bids for newcomers that the chain was not told of yet: only those that it keeps are protected from being left out. */
  unposted(): SignedBid[] {
    const posted = postedBids(this.#context.record.events, 1);
    return this.assignable().filter(({ node }) => !this.#offered.has(node.toLowerCase()) && !posted.some((other) => isAddressEqual(other.node, node)));
  }

  /** The chain was told of these. */
  noteOffered(bids: readonly SignedBid[]): void {
    for (const { node } of bids) this.#offered.add(node.toLowerCase());
  }

  /** Notes the seats whose nodes were drawn by a bid that only the chain brought: where they listen they will say themselves. */
  noteDrawn(roster: readonly { node: Address }[]): void {
    const { record } = this.#context;
    for (const round of [0, 1]) {
      for (const bid of postedBids(record.events, round)) {
        if (roster.some(({ node }) => isAddressEqual(node, bid.node)) && !record.bids.some((known) => isAddressEqual(known.bid.node, bid.node))) record.bids.push({ bid, addrs: [] });
      }
    }
  }

  /** Tells once for every number of bids that more are needed than came in good time. */
  noteFew(ageMs: number): void {
    const job = this.#context.job();
    if (job?.state !== 'Open' && job?.state !== 'Widening') return;
    const needed = job.state === 'Open' ? job.request.replicas : job.roster.length + 1;
    const said = `${job.state} ${this.count}`;
    if (this.count >= needed || said === this.#saidFewBids || ageMs < Math.max(this.#context.bidWaitMs, FEW_BIDS_AFTER_MS)) return;
    this.#saidFewBids = said;
    this.#context.progress({ stage: 'few-bids', count: this.count, needed, until: job.since + job.request.assignWindow });
  }

  #knows({ node, round }: { node: Address; round: number }): boolean {
    return this.#context.record.bids.some(({ bid }) => isAddressEqual(bid.node, node) && bid.round === round);
  }

  #seed(round: number): Promise<Hex> {
    const { components: { chain }, record: { jobId }, signal } = this.#context;
    const known = this.#seeds.get(round) ?? readSeed(chain, jobId, { signal });
    this.#seeds.set(round, known);
    known.catch(() => this.#seeds.delete(round));
    return known;
  }
}

/** Which draw bids are gathered for. */
function roundOf(job: JobState | undefined): number {
  return job?.state === 'Widening' ? 1 : 0;
}
