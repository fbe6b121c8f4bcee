import { sha256, stringToHex, type Address, type Hex } from 'viem';
import { parseCid, possessionOf, possessionPicks, possessionProofs, possessionRoot, type PossessionRoot } from '../protocol/index.ts';
import { contentStream, type Journal, type Storage } from '../storage/index.ts';

/** The root over one list of inputs, computed once. */
export type PossessionRecord = PossessionRoot;

/** Proves that this node holds the input of a job. The root over a list of inputs is computed once and kept; a proof reads them once more. */
export class Possessions {
  readonly #storage: Pick<Storage, 'ls' | 'cat'>;
  readonly #journal: Journal<PossessionRecord>;

  constructor(storage: Pick<Storage, 'ls' | 'cat'>, journal: Journal<PossessionRecord>) {
    this.#storage = storage;
    this.#journal = journal;
  }

  /** Root over the contents of inputs that are all here. @throws StorageError */
  async rootOf(inputs: readonly string[], signal: AbortSignal): Promise<PossessionRoot> {
    const key = sha256(stringToHex(inputs.join('\n'))).slice(2);
    const known = await this.#journal.get(key);
    if (known !== undefined) return known;
    const root = await possessionRoot(this.#stream(inputs, signal), { signal });
    await this.#journal.put(key, root);
    return root;
  }

  /** What a bid says of the chunks that the seed picks. @throws StorageError */
  async claim(inputs: readonly string[], { seed, dataBytes, node, signal }: { seed: Hex; dataBytes: bigint; node: Address; signal: AbortSignal }): Promise<Hex> {
    const { chunks } = await possessionProofs(this.#stream(inputs, signal), possessionPicks(seed, dataBytes), { signal });
    return possessionOf(chunks, node);
  }

  #stream(inputs: readonly string[], signal: AbortSignal): AsyncIterable<Uint8Array> {
    return contentStream(this.#storage, inputs.map((text) => parseCid(text)), { signal });
  }
}
