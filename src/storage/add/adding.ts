import { lstat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CID } from 'multiformats/cid';
import { SPACE_CHECK_BYTES } from '../constants.ts';
import { carStream } from '../car/write-car.ts';
import type { Shared, StorageComponents } from '../components.ts';
import { withHiddenBlocks } from '../hidden/hidden-blocks.ts';
import { LeafPlaces } from '../hidden/leaf-places.ts';
import { noteTree } from '../inputs/in-place.ts';
import { readBlock } from '../blocks/read-block.ts';
import { TreeSnapshot } from '../inputs/tree-snapshot.ts';
import { importCars, type CarInput, type ImportedCars } from './import-cars.ts';
import { importBytes, importDirectory, importPath, importTree, type Added, type AddOptions, type DirectoryEntry, type TreeEntry } from '../unixfs/import-tree.ts';

export interface AddInit extends Omit<AddOptions, 'catalogue' | 'snapshot' | 'places'> {
  /** Reference files where they lie instead of copying them. */
  noCopy?: boolean;
  /** Why it is kept; by default until it is removed. */
  why?: 'added' | 'result';
}

/** Makes what is stored of a CAR of the DAG `plain`. */
export type Seal = (car: AsyncIterable<Uint8Array>, plain: CID) => AsyncIterable<Uint8Array>;
export interface SealInit { seal: Seal; signal?: AbortSignal }

/** A sealed DAG: the file it is in, and what it is in the clear. */
export interface AddedSealed extends Added { plain: CID; plainBytes: number }

/** What puts data into a storage; see `Storage`, which says what each does. */
export class Adding {
  readonly #components: Pick<StorageComponents, 'blocks' | 'catalogue' | 'hiddenDir'>;
  readonly #shared: Pick<Shared, 'retention' | 'until'>;

  constructor(components: Pick<StorageComponents, 'blocks' | 'catalogue' | 'hiddenDir'>, shared: Pick<Shared, 'retention' | 'until'>) {
    this.#components = components;
    this.#shared = shared;
  }

  async path(path: string, options: AddInit): Promise<Added> {
    const { catalogue, blocks } = this.#components;
    const place = resolve(path);
    const snapshot = options.noCopy === true && (await lstat(place).catch(() => undefined))?.isDirectory() === true ? new TreeSnapshot() : undefined;
    const added = await this.#add({ ...options, path: place }, (inner) => (
      importPath(blocks, place, { ...inner, ...(options.noCopy === true && { catalogue }), ...(snapshot && { snapshot }) })));
    if (added.skipped > 0) snapshot?.spoil();
    if (snapshot !== undefined) await noteTree(catalogue, added.cid, place, snapshot);
    return added;
  }

  bytes(bytes: Uint8Array | AsyncIterable<Uint8Array>, { name, ...options }: AddInit & { name?: string }): Promise<Added> {
    const { blocks } = this.#components;
    const source = bytes instanceof Uint8Array ? bytes : withRoom(bytes, () => this.#shared.retention.requireSpace(0));
    return this.#add(options, (inner) => (name === undefined ? importBytes(blocks, source, inner) : importTree(blocks, [{ path: name, source }], inner)));
  }

  cars(cars: readonly CarInput[], { signal, onProgress }: Pick<AddInit, 'signal' | 'onProgress'>): Promise<ImportedCars> {
    const { retention } = this.#shared;
    const until = this.#shared.until(signal);
    return retention.add(async () => {
      const imported = await importCars(this.#components.blocks, cars, { signal: until, onProgress, requireSpace: (bytes) => retention.requireSpace(bytes) });
      for (const { cid, bytes, blocks } of imported.roots) await retention.note(cid, { why: 'added', bytes, blocks });
      return imported;
    });
  }

  tree(entries: readonly TreeEntry[], options: AddInit): Promise<Added> {
    return this.#add(options, (inner) => importTree(this.#components.blocks, entries, inner));
  }

  directory(entries: readonly DirectoryEntry[], options: AddInit): Promise<Added> {
    return this.#add(options, (inner) => importDirectory(this.#components.blocks, entries, inner));
  }

  async sealedTree(entries: readonly TreeEntry[], init: SealInit): Promise<AddedSealed> {
    const places = new LeafPlaces();
    try {
      return await this.#sealed(init, (hidden, inner) => importTree(hidden, entries, { ...inner, places }), places);
    } finally {
      await places.close();
    }
  }

  sealedDirectory(entries: readonly DirectoryEntry[], init: SealInit): Promise<AddedSealed> {
    return this.#sealed(init, (hidden, inner) => importDirectory(hidden, entries, inner));
  }

  /** Without places, the CAR has what was made now and not what that links to. */
  async #sealed({ seal, signal }: SealInit, make: (hidden: Parameters<typeof importTree>[0], inner: AddOptions) => Promise<Added>, places?: LeafPlaces): Promise<AddedSealed> {
    let plain: Added | undefined;
    const added = await this.#add({ why: 'result', ...(signal && { signal }) }, (inner) => withHiddenBlocks(this.#components.hiddenDir, async (hidden) => {
      const { cid } = plain = await make(hidden, inner);
      const read = places === undefined ? async (block: CID) => hidden.read(block) : async (block: CID) => await places.read(block) ?? readBlock(hidden, block);
      return importBytes(this.#components.blocks, seal(carStream(cid, read, inner), cid), inner);
    }));
    return { ...added, plain: plain!.cid, plainBytes: plain!.bytes };
  }

  #add({ path, noCopy, why = 'added', onProgress, signal }: AddInit & { path?: string }, run: (inner: AddOptions) => Promise<Added>): Promise<Added> {
    const { retention } = this.#shared;
    const until = this.#shared.until(signal);
    return retention.add(async () => {
      until.throwIfAborted();
      const added = await run({ ...(onProgress && { onProgress }), signal: until });
      const { cid, bytes, blocks } = added;
      await retention.note(cid, { why: noCopy === true ? 'referenced' : why, bytes, blocks, ...(path !== undefined && { path }) });
      return added;
    });
  }
}

/** What comes has no size: now and then it is seen to that there is room. */
async function* withRoom(bytes: AsyncIterable<Uint8Array>, requireRoom: () => Promise<void>): AsyncGenerator<Uint8Array> {
  let unchecked = 0;
  for await (const chunk of bytes) {
    unchecked += chunk.length;
    if (unchecked >= SPACE_CHECK_BYTES) {
      unchecked = 0;
      await requireRoom();
    }
    yield chunk;
  }
}
