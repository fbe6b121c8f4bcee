import { keccak256, toHex, type Hex } from 'viem';
import { anySignal, canonicalJson } from '../../protocol/index.ts';
import { DIRECT_EVIDENCE_WAIT_MS, DIRECT_WAIT_PER_SHARD_MS } from '../constants.ts';
import type { ClosedJob, Exhibit } from '../findings/exhibit.ts';
import { collectEvidence } from '../findings/collect-evidence.ts';
import { find } from '../findings/find.ts';
import type { ShardedExhibit } from '../shards/collect-shards.ts';
import type { SessionContext } from './context.ts';

/** Asks for the evidence of all seats whose commitments are closed, and makes a verdict of it. */
export class Examination {
  readonly #context: SessionContext;
  readonly #exhibits = new Map<number, Exhibit | ShardedExhibit>();
  readonly #asked = new Set<number>();
  /** Why a seat's evidence is not there yet. */
  readonly #problems = new Map<number, string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** The evidence opened so far, by seat. */
  get exhibits(): ReadonlyMap<number, Exhibit | ShardedExhibit> {
    return this.#exhibits;
  }

  /** Seats whose evidence was opened or found wanting for good, as a mask. */
  get examined(): number {
    return [...this.#exhibits.keys()].reduce((mask, seat) => mask | (1 << seat), 0);
  }

  /**
   * Asks every committed seat that was not asked yet, all at once; each answer looks again what is next.
   *
   * @param onLate called once if not all has come after a while
   */
  ask(job: ClosedJob, onLate?: () => void): void {
    const { components: { host, court }, record, signal } = this.#context;
    if (onLate !== undefined && this.#timer === undefined) {
      this.#timer = setTimeout(() => {
        for (const seat of this.#asked) {
          if (!this.#exhibits.has(seat)) this.#context.progress({ stage: 'problem', message: `no evidence from ${job.roster[seat]!.node} yet: ${this.#problems.get(seat) ?? 'no answer'}` });
        }
        onLate();
      }, DIRECT_EVIDENCE_WAIT_MS + job.request.shards * DIRECT_WAIT_PER_SHARD_MS).unref();
    }
    const until = anySignal(signal, AbortSignal.timeout(job.request.settleWindow * 500));
    job.roster.forEach(({ node }, seat) => {
      if ((job.committed & (1 << seat)) === 0 || this.#asked.has(seat)) return;
      this.#asked.add(seat);
      const onShards = (count: number) => this.#context.progress({ stage: 'shards', node, count, of: job.request.shards });
      void collectEvidence(host, court, record, job, seat, until, (problem) => this.#problems.set(seat, problem), onShards).then((exhibit) => {
        this.#exhibits.set(seat, exhibit);
        this.#context.progress({ stage: 'evidence', node, ...('problem' in exhibit ? { problem: exhibit.problem } : {}) });
        this.#context.poke();
      });
    });
  }

  /** Forgets what was learned of commitments that are not the ones that count any more. */
  restart(): void {
    clearTimeout(this.#timer);
    this.#exhibits.clear();
    this.#asked.clear();
    this.#problems.clear();
  }

  /** The client's word on every seat, written down in its record. */
  async verdict(job: ClosedJob): Promise<{ agreed: number; shard: number; reportDigest: Hex }> {
    const { components, record, signal } = this.#context;
    const exhibits = job.roster.flatMap((_, seat): (Exhibit | ShardedExhibit)[] => (
      (job.committed & (1 << seat)) === 0 ? [] : [this.#exhibits.get(seat) ?? { seat, problem: `no evidence in time: ${this.#problems.get(seat) ?? 'no answer'}` }]));
    const { findings, shard } = await find(components, record, job, exhibits, signal);
    record.findings = findings;
    record.receipts = Object.fromEntries(exhibits.flatMap((exhibit) => ('receipts' in exhibit ? [[exhibit.seat, exhibit.receipts]] : [])));
    this.#context.mark('examined');
    await this.#context.save();
    const agreed = findings.reduce((mask, finding) => (finding.agreed ? mask | (1 << finding.seat) : mask), 0);
    this.#context.progress({ stage: 'verdict', agreed: findings.filter((finding) => finding.agreed).length, of: job.roster.length });
    return { agreed, shard, reportDigest: keccak256(toHex(canonicalJson(findings))) };
  }
}
