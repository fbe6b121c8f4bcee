import { isAddressEqual, zeroHash } from 'viem';
import { proveFalseClaim, readFirstSeed, readSeed, type ProveFalseClaimArgs, type WriteResult } from '../../../chain/index.ts';
import { decodeSpec, hasClaim, isError, parseCid, possessionOf, possessionPicks, possessionProofs, type JobState, type PossessionProofs, type SignedBid } from '../../../protocol/index.ts';
import { contentStream } from '../../../storage/index.ts';
import { holdsInputs } from '../../request/known-inputs.ts';
import type { SessionContext } from '../context.ts';

/** Everything that a proof takes besides the job and its roster. */
export type FalseClaim = Pick<ProveFalseClaimArgs, 'index' | 'bid' | 'chunks' | 'proofs'>;

/** Claims to hold input, held against the input where this client has it. */
export class FalseClaims {
  readonly #context: SessionContext;
  /** By draw: the chunks its seed picks; undefined where the input is not here. */
  readonly #picked = new Map<number, Promise<PossessionProofs | undefined>>();
  readonly #found = new Map<number, FalseClaim>();
  readonly #looked = new Set<number>();

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** Whether a bid claims what is not so, as far as this client can tell. @throws ChainError, StorageError */
  async isFalse(bid: SignedBid): Promise<boolean> {
    if (!hasClaim(bid) || this.#context.record.request.dataRoot === zeroHash) return false;
    const picked = await this.#pickedBy(bid.round);
    return picked !== undefined && possessionOf(picked.chunks, bid.node).toLowerCase() !== bid.possession.toLowerCase();
  }

  /** Looks at the bids of who was drawn. @throws ChainError, StorageError */
  async look(job: JobState | undefined): Promise<void> {
    if (job === undefined || !('committed' in job)) return;
    const { replicas } = job.request;
    for (const [index, { node }] of job.roster.entries()) {
      const round = index < replicas ? 0 : 1;
      if (this.#looked.has(index)) continue;
      const bid = this.#context.record.bids.map((one) => one.bid).find((one) => one.round === round && isAddressEqual(one.node, node));
      if (bid !== undefined && await this.isFalse(bid)) {
        const { chunks, proofs } = (await this.#pickedBy(round))!;
        this.#found.set(index, { index, bid, chunks, proofs });
      }
      this.#looked.add(index);
    }
  }

  /** Seats that can be convicted now and are not yet, as a mask. */
  mask(job: JobState | undefined): number {
    // While newcomers are drawn the contract takes no such proof.
    if (job === undefined || !('committed' in job) || job.state === 'Widening') return 0;
    return [...this.#found.keys()].reduce((mask, seat) => mask | (1 << seat), 0) & ~(job.equivocated ?? 0);
  }

  /** Sends the next proof; one that is refused is not sent again. @throws ChainError */
  async convict(job: JobState | undefined): Promise<WriteResult | undefined> {
    const mask = this.mask(job);
    const claim = [...this.#found.values()].find(({ index }) => (mask & (1 << index)) !== 0);
    if (claim === undefined || job === undefined || !('roster' in job)) return undefined;
    const { components: { chain }, signal } = this.#context;
    try {
      return await proveFalseClaim(chain, { request: job.request, roster: job.roster, ...claim }, { signal });
    } catch (error) {
      if (!isError(error, 'RPC_UNREACHABLE', 'TX_TIMEOUT')) this.#found.delete(claim.index);
      throw error;
    }
  }

  #pickedBy(round: number): Promise<PossessionProofs | undefined> {
    const known = this.#picked.get(round) ?? this.#pick(round);
    this.#picked.set(round, known);
    known.catch(() => this.#picked.delete(round));
    return known;
  }

  async #pick(round: number): Promise<PossessionProofs | undefined> {
    const { components: { chain, storage }, record: { jobId, request, spec }, signal } = this.#context;
    const inputs = decodeSpec(Buffer.from(spec)).inputs.map(({ source }) => parseCid(source));
    if (!await holdsInputs(storage, inputs, signal)) return undefined;
    const seed = await (round === 0 ? readFirstSeed : readSeed)(chain, jobId, { signal });
    return possessionProofs(contentStream(storage, inputs, { signal }), possessionPicks(seed, request.dataBytes), { signal });
  }
}
