import { CID } from 'multiformats/cid';

/** An entry of a directory: what it is, and what that weighs with all below it. */
export interface Child { cid: CID; size: bigint }

/** The entries of a directory on their way into it: a CID of multiformats takes a kilobyte, and a directory may have a million. */
export class ChildList {
  readonly #names: string[] = [];
  readonly #sizes: number[] = [];
  /** Where the CID of each begins; the last is where the next will. */
  readonly #starts: number[] = [0];
  #cids = Buffer.alloc(4096);

  get length(): number {
    return this.#names.length;
  }

  add(name: string, { cid, size }: Child): void {
    const start = this.#starts.at(-1)!;
    const end = start + cid.bytes.length;
    if (end > this.#cids.length) this.#cids = Buffer.concat([this.#cids], 2 * this.#cids.length);
    this.#cids.set(cid.bytes, start);
    this.#names.push(name);
    this.#sizes.push(Number(size));
    this.#starts.push(end);
  }

  nameOf(index: number): string {
    return this.#names[index]!;
  }

  sizeOf(index: number): number {
    return this.#sizes[index]!;
  }

  cidOf(index: number): CID {
    // Not a view: it would keep all of them.
    return CID.decode(new Uint8Array(this.#cids.subarray(this.#starts[index], this.#starts[index + 1])));
  }
}
