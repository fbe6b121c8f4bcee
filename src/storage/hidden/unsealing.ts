import type { CID } from 'multiformats/cid';
import { importCar } from '../car/import-car.ts';
import type { FetchProgress } from '../fetch/fetch-dag.ts';
import type { LocalBlocks } from '../blocks/local-blocks.ts';
import { verifiedBlocks } from '../blocks/read-block.ts';
import { namesIn } from '../unixfs/list-directory.ts';

/** Undoes what a `Seal` did, and tells when the bytes are not what that made. What it is given is of no meaning any more once it asks for the next. */
export type Unseal = (sealed: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

export interface UnsealInit {
  /** The bytes of a file that is here; whoever opens it authenticates them. */
  cat(cid: CID, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** As far as it is known here. */
  size(cid: CID, signal: AbortSignal): Promise<number>;
  requireSpace(bytes: number): Promise<void>;
  signal: AbortSignal;
  onProgress?: (progress: FetchProgress) => void;
}

/** What sealed files hold, brought together where nobody is served from. */
export class Unsealing {
  readonly #hidden: LocalBlocks;
  readonly #init: UnsealInit;
  #bytes = 0;
  #blocks = 0;

  constructor(hidden: LocalBlocks, init: UnsealInit) {
    this.#hidden = hidden;
    this.#init = init;
  }

  /** Bytes that came out of sealed files so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Opens a sealed file, and puts what its CAR holds beside the rest.
   *
   * @param plain the CAR's root
   * @throws StorageError ROOT_DIFFERS, CAR_INVALID, BLOCK_INVALID, DISK_FULL; what `unseal` throws
   */
  async take(sealed: CID, plain: CID, unseal: Unseal): Promise<void> {
    const { cat, size, signal, requireSpace, onProgress } = this.#init;
    // Its blocks, and what is written of them.
    await requireSpace(2 * await size(sealed, signal));
    await importCar({
      put: (cid, bytes) => {
        this.#bytes += bytes.length;
        this.#blocks++;
        onProgress?.({ doing: 'decrypting', bytes: this.#bytes, blocks: this.#blocks, source: '' });
        return this.#hidden.put(cid, bytes);
      },
    }, unseal(cat(sealed, signal)), plain, { signal });
  }

  /** The entries of a directory whose own blocks were taken. @throws StorageError NOT_A_DIRECTORY, NOT_FOUND, ENTRY_HOSTILE */
  entries(plain: CID): Promise<Map<string, CID>> {
    return namesIn(verifiedBlocks(this.#hidden), plain, this.#init.signal);
  }
}
