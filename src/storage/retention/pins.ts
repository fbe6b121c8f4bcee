import type { CID } from 'multiformats/cid';

/** DAGs in use, counted. */
export class Pins {
  readonly #counts = new Map<string, number>();

  /** @returns a function that takes the pin out; true the first time it is called */
  pin(cid: CID): () => boolean {
    const key = cid.toString();
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return false;
      held = false;
      const left = this.#counts.get(key)! - 1;
      if (left === 0) this.#counts.delete(key);
      else this.#counts.set(key, left);
      return true;
    };
  }

  has(cid: CID): boolean {
    return this.#counts.has(cid.toString());
  }
}
