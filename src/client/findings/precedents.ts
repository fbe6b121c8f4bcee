import { hexToBytes, keccak256, toHex, type Hex } from 'viem';
import { RunClass, type Precedent } from '../../evidence/index.ts';
import { METER_VERSION, canonicalJson, type JobSpec } from '../../protocol/index.ts';
import type { Journal } from '../../storage/index.ts';
import type { ReplicaFinding } from '../book/job-record.ts';
import { MAX_KNOWN_CLASSES, MAX_PRECEDENTS, PRECEDENTS_LAG_MS } from '../constants.ts';

/** Sketches of settled runs of one class of jobs, oldest first. */
export interface PrecedentRecord { sketches: Hex[] }

/** A class in memory; `lag` runs while the disk is behind. */
interface KnownClass { key: string; sketches: Hex[]; runs: RunClass; lag?: NodeJS.Timeout }

/** What earlier jobs of the client show an honest run to look like; grows with every job that settles by comparison. */
export class Precedents {
  readonly #journal: Journal<PrecedentRecord>;
  /** The classes that were looked at last, oldest first: the same work is often run again and again. */
  readonly #known = new Map<string, Promise<KnownClass>>();

  constructor(journal: Journal<PrecedentRecord>) {
    this.#journal = journal;
  }

  /** How a run looks beside the earlier ones of its class. */
  async look(spec: JobSpec, sketch: Hex): Promise<Precedent> {
    const { runs } = await this.#read(classOf(spec));
    return runs.look(hexToBytes(sketch));
  }

  /**
   * Remembers runs that were compared and agreed, and says of those that are stranger than the earlier ones allow that they are: a majority of
   * accomplices agrees, too. Where there was nobody to compare with, or no majority, says of each how it looks beside earlier ones. That is a
   * reason to look, not to reject: the contract does not know them.
   *
   * @param sketches by seat
   */
  async note(spec: JobSpec, findings: readonly ReplicaFinding[], sketches: ReadonlyMap<number, Hex>): Promise<ReplicaFinding[]> {
    const agreed = findings.filter((finding) => finding.agreed);
    if (agreed.length > 1) {
      const looked = await Promise.all(findings.map(async (finding) => {
        const sketch = finding.agreed ? sketches.get(finding.seat) : undefined;
        const precedent = sketch === undefined ? undefined : await this.look(spec, sketch);
        return precedent?.strangeness !== undefined && precedent.strangeness.score > 1 ? { ...finding, precedent, reason: `${finding.reason}${strange(precedent)}` } : finding;
      }));
      await this.add(spec, agreed.flatMap(({ seat }) => sketches.get(seat) ?? []));
      return looked;
    }
    return Promise.all(findings.map(async (finding) => {
      const sketch = sketches.get(finding.seat);
      const precedent = sketch === undefined ? undefined : await this.look(spec, sketch);
      if (precedent === undefined || precedent.runs === 0) return finding;
      const { runs, alike, p } = precedent;
      return { ...finding, precedent, reason: `${finding.reason}; ${alike} of ${runs} earlier runs of this job look the same (p = ${p.toFixed(2)})${strange(precedent)}` };
    }));
  }

  /** Remembers runs that agreed with their peers; on disk a moment later, with what comes until then. */
  async add(spec: JobSpec, sketches: readonly Hex[]): Promise<void> {
    if (sketches.length === 0) return;
    const known = await this.#read(classOf(spec));
    for (const sketch of sketches) {
      known.sketches.push(sketch);
      known.runs.add(hexToBytes(sketch));
      if (known.sketches.length <= MAX_PRECEDENTS) continue;
      known.sketches.shift();
      known.runs.drop();
    }
    known.lag ??= setTimeout(() => void this.#write(known).catch(() => {}), PRECEDENTS_LAG_MS).unref();
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    for (const known of this.#known.values()) await this.#write(await known);
  }

  async #write(known: KnownClass): Promise<void> {
    if (known.lag === undefined) return;
    clearTimeout(known.lag);
    delete known.lag;
    // Not worth a disk's flush: what is lost here is made again by the next job.
    await this.#journal.put(known.key, { sketches: known.sketches }, { durable: false });
  }

  #read(key: string): Promise<KnownClass> {
    const known = this.#known.get(key) ?? this.#open(key);
    this.#known.delete(key);
    this.#known.set(key, known);
    known.catch(() => this.#known.delete(key));
    for (const [oldest, other] of this.#known) {
      if (this.#known.size <= MAX_KNOWN_CLASSES) break;
      this.#known.delete(oldest);
      other.then((one) => this.#write(one)).catch(() => {});
    }
    return known;
  }

  async #open(key: string): Promise<KnownClass> {
    const { sketches } = await this.#journal.get(key) ?? { sketches: [] };
    return { key, sketches, runs: new RunClass(sketches.map((one) => hexToBytes(one))) };
  }
}

/** In words, that a run is beyond what one honest run in a hundred is; nothing where it is not, or where that is not known. */
function strange({ runs, strangeness }: Precedent): string {
  if (strangeness === undefined || strangeness.score <= 1) return '';
  const { block, p } = strangeness;
  return `; stranger beside ${runs} earlier runs than ${((1 - p) * 100).toFixed(p < 0.01 ? 1 : 0)} % of honest runs are: ${block ?? 'it lacks what they show'}`;
}

/** Jobs of a class do the same work, counted the same way: all of the spec but its name, what is paid and how it is verified. */
export function classOf({ name: _name, payment: _payment, verification: _verification, ...work }: JobSpec): string {
  return keccak256(toHex(canonicalJson(work.engine === 'wasm' ? { meter: METER_VERSION, ...work } : work))).slice(2);
}
