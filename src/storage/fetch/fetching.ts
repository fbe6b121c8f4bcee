import { open, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CID } from 'multiformats/cid';
import { writeCar } from '../car/write-car.ts';
import { createCascade } from './cascade.ts';
import type { FetchOptions, Shared, StorageComponents } from '../components.ts';
import { FETCH_CONCURRENCY, SPACE_CHECK_BYTES } from '../constants.ts';
import { StorageError } from '../errors.ts';
import { fetchDag } from './fetch-dag.ts';
import { fetchPiece } from '../filecoin/fetch-piece.ts';
import { PieceHttp } from '../filecoin/piece-http.ts';
import { createBudget, freeRetrieval } from '../filecoin/retrieval-payment.ts';
import { withHiddenBlocks } from '../hidden/hidden-blocks.ts';
import { Unsealing, type Unseal, type UnsealInit } from '../hidden/unsealing.ts';
import { newPath, refuseExisting } from '../inputs/new-path.ts';
import { borrowedBlocks, readBlock } from '../blocks/read-block.ts';
import { tracked } from '../retention/retention.ts';
import type { Receipt } from '../source.ts';
import { extract } from '../unixfs/extract.ts';

export interface PieceOptions { signal?: AbortSignal; onProgress?: (progress: { bytes: number }) => void; providers?: readonly string[] }

type FetchingComponents = Pick<StorageComponents, 'blocks' | 'hiddenDir' | 'pieces'>;

/** What brings whole DAGs here and writes them to paths; see `Storage`, which says what each does. */
export class Fetching {
  readonly #components: FetchingComponents;
  readonly #shared: Shared;
  readonly #content: Pick<UnsealInit, 'cat' | 'size'>;

  constructor(components: FetchingComponents, shared: Shared, content: Pick<UnsealInit, 'cat' | 'size'>) {
    this.#components = components;
    this.#shared = shared;
    this.#content = content;
  }

  fetch(cid: CID, options: FetchOptions): Promise<Receipt> {
    return tracked(this.#shared.running, () => this.#fetch(cid, options));
  }

  async keep(cid: CID, options: FetchOptions): Promise<Receipt> {
    const { retention } = this.#shared;
    const unpin = retention.pin(cid);
    try {
      const receipt = await this.fetch(cid, options);
      const before = (await retention.find(cid))?.why;
      // What was added here stays anyway, and its path is known.
      if (before !== 'referenced' && before !== 'added') await retention.note(cid, { why: 'added', bytes: receipt.bytes, blocks: receipt.blocks });
      return receipt;
    } finally {
      unpin();
    }
  }

  async #fetch(cid: CID, { signal, onProgress }: FetchOptions): Promise<Receipt> {
    const { retention, sources, suspects, maxFetchBytes } = this.#shared;
    const until = this.#shared.until(signal);
    until.throwIfAborted();
    const unpin = retention.pin(cid);
    let unchecked = SPACE_CHECK_BYTES;
    const keep = async (block: CID, bytes: Uint8Array) => {
      unchecked += bytes.length;
      if (unchecked >= SPACE_CHECK_BYTES) {
        unchecked = 0;
        await retention.requireSpace(0);
      }
      // What is here of it may be damaged: a stream brings what hangs from a damaged node, whether it is here or not.
      await this.#components.blocks.put(block, bytes, { replace: true });
    };
    try {
      // Held from now on, so that what has come is kept if the rest comes later.
      await retention.note(cid, { why: 'fetched', bytes: 0, blocks: 0 });
      const receipt = await fetchDag(cid, {
        sources, keep, signal: until, maxFetchBytes, concurrency: FETCH_CONCURRENCY, cascade: { suspects }, ...(onProgress && { onProgress }),
      });
      await retention.note(cid, { why: 'fetched', bytes: receipt.bytes, blocks: receipt.blocks });
      return receipt;
    } finally {
      unpin();
    }
  }

  async export(cid: CID, destination: string, { signal, onProgress }: FetchOptions): Promise<Receipt> {
    const until = this.#shared.until(signal);
    await refuseExisting(resolve(destination));
    const receipt = await this.fetch(cid, { signal: until, ...(onProgress && { onProgress }) });
    const maxBytes = Math.max(this.#shared.maxFetchBytes, receipt.bytes);
    await newPath(destination, (draft) => extract(borrowedBlocks(this.#components.blocks), cid, draft, {
      signal: until, maxBytes, fileMode: 0o644,
      ...unpacking(onProgress),
    }));
    return receipt;
  }

  async exportCar(cid: CID, destination: string, { signal, onProgress }: FetchOptions): Promise<Receipt> {
    const until = this.#shared.until(signal);
    const receipt = await this.fetch(cid, { signal: until, ...(onProgress && { onProgress }) });
    const cascade = createCascade(this.#shared.sources.filter(({ local }) => local));
    await newPath(destination, (draft) => writeFileFrom(draft, (file) => (
      writeCar(file, cid, async (block) => (await cascade.read(block, { signal: until })).bytes, {
        signal: until, ...unpacking(onProgress),
      }))));
    return receipt;
  }

  async exportSealed(cid: CID, plain: CID, destination: string, { open, ...options }: FetchOptions & { open: Unseal; car?: boolean }): Promise<Receipt> {
    let receipt: Receipt | undefined;
    await this.exportUnsealed(destination, async (unsealing) => {
      receipt = await this.fetch(cid, options);
      await unsealing.take(cid, plain, open);
      return plain;
    }, options);
    return receipt!;
  }

  exportUnsealed(destination: string, fill: (unsealing: Unsealing) => Promise<CID>, { car = false, signal, onProgress }: FetchOptions & { car?: boolean }): Promise<void> {
    return tracked(this.#shared.running, async () => {
      const until = this.#shared.until(signal);
      await refuseExisting(resolve(destination));
      await withHiddenBlocks(this.#components.hiddenDir, async (hidden) => {
        const unsealing = new Unsealing(hidden, {
          ...this.#content, signal: until, requireSpace: (bytes) => this.#shared.retention.requireSpace(bytes), ...(onProgress && { onProgress }),
        });
        const root = await fill(unsealing);
        await newPath(destination, (draft) => (car
          ? writeFileFrom(draft, (file) => writeCar(file, root, (block) => readBlock(hidden, block), { signal: until, ...unpacking(onProgress) }))
          // Verified when they were put there, a moment ago.
          : extract(borrowedBlocks(hidden), root, draft, {
            signal: until, maxBytes: Math.max(this.#shared.maxFetchBytes, unsealing.bytes), fileMode: 0o644,
            ...unpacking(onProgress),
          })));
      });
    });
  }

  async exportPiece(cid: CID, destination: string, { signal, onProgress, providers }: PieceOptions): Promise<{ bytes: number }> {
    const pieces = providers === undefined ? this.#components.pieces : new PieceHttp({ providers: providers.map((url) => ({ url: new URL(url), trusted: true })), budget: createBudget(freeRetrieval) });
    if (pieces === undefined) throw new StorageError('NOT_FOUND', 'no storage provider is known', { details: cid.toString(), hint: 'storage.filecoin.providers names them' });
    return fetchPiece(pieces, cid, destination, {
      signal: this.#shared.until(signal), requireSpace: (bytes) => this.#shared.retention.requireSpace(bytes), ...(onProgress && { onProgress }),
    });
  }
}

/** Tells of what is written as of what came. */
function unpacking(onProgress: FetchOptions['onProgress']): { onProgress?: (written: { bytes: number; blocks?: number; files?: number }) => void } {
  return onProgress === undefined ? {} : { onProgress: ({ bytes, blocks = 0 }) => onProgress({ doing: 'unpacking', bytes, blocks, source: '' }) };
}

async function writeFileFrom(path: string, write: (file: FileHandle) => Promise<unknown>): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await write(file);
  } finally {
    await file.close();
  }
}
