import type { CID } from 'multiformats/cid';
import type { Catalogue } from '../shelf/catalogue.ts';

/**
 * A DAG that is on this machine, and why: `added` by the operator, `referenced` where it lies, the `result` of a job, or `fetched` for
 * one. The first two stay until they are removed, a result until its time, what was fetched as long as there is room.
 */
export interface Holding {
  cid: string;
  why: 'added' | 'referenced' | 'result' | 'fetched';
  /** Where it came from, for what was added and referenced. */
  path?: string;
  bytes: number;
  blocks: number;
  /** Unix times, ms. */
  since: number;
  usedAt: number;
  keepUntil?: number;
}

const RANK: Record<Holding['why'], number> = { fetched: 0, result: 1, added: 2, referenced: 2 };

/** The list of what is here and why, on disk. */
export class Holdings {
  readonly #catalogue: Catalogue;
  #lastUse = 0;

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue;
  }

  /** Notes a DAG, or that it was used again; a stronger reason to keep it replaces a weaker one. */
  async note(cid: CID, facts: Pick<Holding, 'why' | 'bytes' | 'blocks'> & Pick<Partial<Holding>, 'path'>): Promise<void> {
    const now = this.#now();
    const before = await this.find(cid);
    if (before !== undefined && RANK[before.why] > RANK[facts.why]) return this.#put({ ...before, usedAt: now });
    // A fetch begins with nothing; what came earlier still counts.
    const bytes = Math.max(facts.bytes, before?.bytes ?? 0);
    const blocks = Math.max(facts.blocks, before?.blocks ?? 0);
    return this.#put({ ...facts, bytes, blocks, cid: cid.toString(), since: before?.since ?? now, usedAt: now });
  }

  /** Notes that a DAG was used, if it is held. */
  async touch(cid: CID): Promise<void> {
    const holding = await this.find(cid);
    if (holding !== undefined) await this.#put({ ...holding, usedAt: this.#now() });
  }

  /** Later than the use before it, whatever the clock does: what was used first is known of two in a millisecond, too. */
  #now(): number {
    return this.#lastUse = Math.max(Date.now(), this.#lastUse + 1);
  }

  find(cid: CID): Promise<Holding | undefined> {
    return this.#catalogue.get<Holding>('holding', cid.toString());
  }

  /** Says until when a result is kept. */
  async keepUntil(cid: CID, keepUntil: number): Promise<void> {
    const holding = await this.find(cid);
    if (holding?.why === 'result') await this.#put({ ...holding, keepUntil: Math.max(keepUntil, holding.keepUntil ?? 0) });
  }

  async remove(cid: CID): Promise<void> {
    await this.#catalogue.remove('holding', cid.toString());
  }

  async list(): Promise<Holding[]> {
    const listed: Holding[] = [];
    for await (const [, holding] of this.#catalogue.all<Holding>('holding')) listed.push(holding);
    return listed;
  }

  #put(holding: Holding): Promise<void> {
    return this.#catalogue.put('holding', holding.cid, holding);
  }
}
