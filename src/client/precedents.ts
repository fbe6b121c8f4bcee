import { hexToBytes, keccak256, toHex, type Hex } from 'viem';
import { precedentOf, type Precedent } from '../evidence/index.ts';
import { canonicalJson, type JobSpec } from '../protocol/index.ts';
import type { Journal } from '../storage/index.ts';
import { MAX_PRECEDENTS } from './constants.ts';

/** Sketches of settled runs of one class of jobs, oldest first. */
export interface PrecedentRecord { sketches: Hex[] }

/** What earlier jobs of the client show an honest run to look like; grows with every job that settles by comparison. */
export class Precedents {
  readonly #journal: Journal<PrecedentRecord>;

  constructor(journal: Journal<PrecedentRecord>) {
    this.#journal = journal;
  }

  /** How a run looks beside the earlier ones of its class. */
  async look(spec: JobSpec, sketch: Hex): Promise<Precedent> {
    const record = await this.#journal.get(classOf(spec));
    return precedentOf((record?.sketches ?? []).map((one) => hexToBytes(one)), hexToBytes(sketch));
  }

  /** Remembers runs that agreed with their peers. */
  async add(spec: JobSpec, sketches: readonly Hex[]): Promise<void> {
    if (sketches.length === 0) return;
    const key = classOf(spec);
    const record = await this.#journal.get(key);
    // Not worth a disk's flush: what is lost here is made again by the next job.
    await this.#journal.put(key, { sketches: [...(record?.sketches ?? []), ...sketches].slice(-MAX_PRECEDENTS) }, { durable: false });
  }
}

/** Jobs of a class do the same work: all of the spec but its name, what is paid and how it is verified. */
export function classOf({ name: _name, payment: _payment, verification: _verification, ...work }: JobSpec): string {
  return keccak256(toHex(canonicalJson(work))).slice(2);
}
