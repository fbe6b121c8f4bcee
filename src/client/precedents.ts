import { hexToBytes, keccak256, toHex, type Hex } from 'viem';
import { precedentOf, type Precedent } from '../evidence/index.ts';
import { METER_VERSION, canonicalJson, type JobSpec } from '../protocol/index.ts';
import type { Journal } from '../storage/index.ts';
import type { ReplicaFinding } from './job-record.ts';
import { MAX_PRECEDENTS } from './constants.ts';

/** Sketches of settled runs of one class of jobs, oldest first. */
export interface PrecedentRecord { sketches: Hex[] }

/** What earlier jobs of the client show an honest run to look like; grows with every job that settles by comparison. */
export class Precedents {
  readonly #journal: Journal<PrecedentRecord>;
  /** Of the class that was looked at last: the same work is often run again and again. */
  #last: { key: string; record: PrecedentRecord } | undefined;

  constructor(journal: Journal<PrecedentRecord>) {
    this.#journal = journal;
  }

  /** How a run looks beside the earlier ones of its class. */
  async look(spec: JobSpec, sketch: Hex): Promise<Precedent> {
    const record = await this.#read(classOf(spec));
    return precedentOf(record.sketches.map((one) => hexToBytes(one)), hexToBytes(sketch));
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

  /** Remembers runs that agreed with their peers. */
  async add(spec: JobSpec, sketches: readonly Hex[]): Promise<void> {
    if (sketches.length === 0) return;
    const key = classOf(spec);
    const record = { sketches: [...(await this.#read(key)).sketches, ...sketches].slice(-MAX_PRECEDENTS) };
    this.#last = { key, record };
    // Not worth a disk's flush: what is lost here is made again by the next job.
    await this.#journal.put(key, record, { durable: false });
  }

  async #read(key: string): Promise<PrecedentRecord> {
    if (this.#last?.key === key) return this.#last.record;
    const record = await this.#journal.get(key) ?? { sketches: [] };
    this.#last = { key, record };
    return record;
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
  return keccak256(toHex(canonicalJson(work.engine === 'wasm' ? { ...work, meter: METER_VERSION } : work))).slice(2);
}
