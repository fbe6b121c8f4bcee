import type { CID } from 'multiformats/cid';
import { BlockSet } from '../blocks/block-set.ts';
import { MAX_BLOCK_BYTES, MAX_DAG_DEPTH, NODE_BYTES } from '../constants.ts';
import { StorageError } from '../errors.ts';
import { blockKey, isHashedLeaf, isLeaf, linksOf } from '../unixfs/links.ts';
import { identityBlock } from '../blocks/verify.ts';

/** A block that a DAG is known to have and that did not come yet. */
export interface Wanted {
  cid: CID;
  depth: number;
  done: boolean;
  /** It was looked for with others, in vain. */
  checked?: boolean;
  /** Its bytes, as far as its parent says: a claim, never more than a block may have. */
  bytes: number;
}

/** What of a DAG is known, wanted and there: the book-keeping of a fetch, without any I/O. */
export class DagWalk {
  readonly #seen = new BlockSet();
  readonly #wanted = new Map<string, Wanted>();
  #stack: Wanted[] = [];
  #absent: Wanted[] = [];

  constructor(root: CID) {
    this.#want(root, NODE_BYTES, 0);
  }

  /** The next block to look for, depth first; undefined when there is none now. */
  next(): Wanted | undefined {
    for (let entry = this.#stack.pop(); entry !== undefined; entry = this.#stack.pop()) if (!entry.done) return entry;
    return undefined;
  }

  /**
   * The next blocks to look for when they are many small leaves, which can be looked for together; undefined when they are not, or were looked for so already (`again`).
   *
   * @param few fewer are none
   * @param mostBytes of all of them, as far as their parents say
   */
  nextLeaves({ few, most, mostBytes }: { few: number; most: number; mostBytes: number }): Wanted[] | undefined {
    const stack = this.#stack;
    let from = stack.length;
    let bytes = 0;
    const leaves: Wanted[] = [];
    while (from > 0 && leaves.length < most && bytes < mostBytes) {
      const entry = stack[from - 1]!;
      if (!entry.done) {
        if (entry.checked === true || !isHashedLeaf(entry.cid)) break;
        leaves.push(entry);
        bytes += entry.bytes;
      }
      from--;
    }
    if (leaves.length < few) return undefined;
    stack.length = from;
    return leaves;
  }

  /** These leaves are to be looked for one by one. */
  again(leaves: readonly Wanted[]): void {
    for (const entry of leaves.toReversed()) {
      entry.checked = true;
      this.#stack.push(entry);
    }
  }

  /** The block was looked for and is not here. */
  absent(entry: Wanted): void {
    this.#absent.push(entry);
  }

  /** All that was not here, and did not come since. */
  get missing(): Wanted[] {
    this.#absent = this.#absent.filter(({ done }) => !done);
    return this.#absent;
  }

  /** What was not here is to be looked for again. */
  retry(): void {
    this.#stack = [...this.#stack, ...this.missing.toReversed()];
    this.#absent = [];
  }

  /** The entry of a wanted block; `known` when it came before; undefined for one that the DAG is not known to have. */
  find(cid: CID): Wanted | 'known' | undefined {
    return this.#wanted.get(blockKey(cid)) ?? (this.#seen.has(cid) ? 'known' : undefined);
  }

  /** Notes a verified block, and wants what it links to. @throws StorageError DAG_INVALID, FORMAT_UNSUPPORTED */
  came(entry: Wanted, bytes: Uint8Array): void {
    entry.done = true;
    // What a stream brings comes in the order of the stack: nobody would take it from there.
    while (this.#stack.at(-1)?.done === true) this.#stack.pop();
    this.#wanted.delete(blockKey(entry.cid));
    // Reversed, so that the stack yields a file's blocks in their order.
    for (const { cid, claimedBytes } of linksOf(entry.cid, bytes).reverse()) this.#want(cid, isLeaf(cid) ? claimedBytes : NODE_BYTES, entry.depth + 1);
  }

  #want(cid: CID, bytes: number, depth: number): void {
    if (this.#seen.has(cid)) return;
    if (depth > MAX_DAG_DEPTH) throw new StorageError('DAG_INVALID', 'the DAG is too deep', { details: `more than ${MAX_DAG_DEPTH} levels` });
    this.#seen.add(cid);
    const entry: Wanted = { cid, depth, done: false, bytes: Math.min(bytes, MAX_BLOCK_BYTES) };
    const inline = identityBlock(cid);
    if (inline !== undefined) return this.came(entry, inline);
    this.#wanted.set(blockKey(cid), entry);
    this.#stack.push(entry);
  }
}
