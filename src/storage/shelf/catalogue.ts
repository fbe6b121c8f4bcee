import { ClassicLevel, type BatchOperation } from 'classic-level';
import { CID } from 'multiformats/cid';

/** A file whose blocks are known. */
export interface ShelvedFile {
  /** Never used twice. */
  id: number;
  path: string;
  /** What it was when it was read (see `identityOf`). */
  identity: string;
  /** Which shelf it is on: `files`, `cars`, `pieces`, `sectors`. */
  shelf: string;
  /** CIDs of DAGs that begin in it; of a referenced file, its own. */
  roots: string[];
  blocks: number;
  /** Of a piece: its commitment. */
  piece?: string;
  /** Why not all of it is known. */
  problem?: string;
}

/** Where a block's bytes lie in a file. Without a length, a CAR section begins there. */
export interface Place { file: ShelvedFile; offset: number; length: number | undefined }

/** A file that is one block. */
export interface WholeBlock { path: string; identity: string; cid: CID; length: number }

/** Takes in the blocks of one file; nothing counts until `commit`. */
export interface FileEntry {
  put(cid: CID, offset: number, length: number | undefined): Promise<void>;
  commit(facts: Pick<ShelvedFile, 'path' | 'identity' | 'shelf'> & Partial<ShelvedFile>): Promise<ShelvedFile>;
}

/** A change of any sublevel. A list of them is written, since what `batch()` without one gathers is in memory until the garbage collector comes by. */
type Operation = BatchOperation<ClassicLevel<Buffer, Buffer>, Buffer | string, unknown>;

/** Entries written together. */
const BATCH = 1000;
const IDS_AT_ONCE = 1000;

/**
 * Which blocks lie in which files of this machine, on disk. A block is found by its hash. A file is known by an id of its own: when it
 * goes, its record goes, and its blocks' entries are dropped as they are met.
 */
export class Catalogue {
  readonly #db: ClassicLevel<Buffer, Buffer>;
  readonly #blocks;
  readonly #files;
  readonly #paths;
  readonly #records;
  #nextId = 0;
  /** Ids below this one are ours to give. */
  #setAside = 0;

  constructor(dir: string) {
    this.#db = new ClassicLevel<Buffer, Buffer>(dir, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
    this.#blocks = this.#db.sublevel<Buffer, Buffer>('blocks', { keyEncoding: 'buffer', valueEncoding: 'buffer' });
    this.#files = this.#db.sublevel<string, ShelvedFile>('files', { valueEncoding: 'json' });
    this.#paths = this.#db.sublevel<string, string>('paths', {});
    this.#records = this.#db.sublevel<string, unknown>('records', { valueEncoding: 'json' });
  }

  async open(): Promise<void> {
    await this.#db.open();
    this.#nextId = Number(await this.#records.get('next-id') ?? 1);
    this.#setAside = this.#nextId;
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  /** Where a block lies, as far as files are still known. */
  async* places(cid: CID): AsyncGenerator<Place> {
    const { bytes } = cid.multihash;
    const gte = Buffer.concat([bytes, ID_MIN]);
    for await (const [key, value] of this.#blocks.iterator({ gte, lte: Buffer.concat([bytes, ID_MAX]) })) {
      const file = await this.#files.get(fileKey(key.readUInt32BE(key.length - 4)));
      if (file === undefined) {
        await this.#blocks.del(key);
        continue;
      }
      const length = value.readUInt32BE(8);
      yield { file, offset: Number(value.readBigUInt64BE(0)), length: length === UNKNOWN_LENGTH ? undefined : length };
    }
  }

  /** Begins the entry of a file; it replaces what is known of its path when it is committed. */
  async add(): Promise<FileEntry> {
    const id = await this.#newId();
    let batch: Operation[] = [];
    let blocks = 0;
    return {
      put: async (cid, offset, length) => {
        batch.push(this.#putBlock(cid, id, offset, length));
        blocks++;
        if (batch.length < BATCH) return;
        const full = batch;
        batch = [];
        await this.#write(full);
      },
      commit: async (facts) => {
        const file: ShelvedFile = { roots: [], ...facts, id, blocks };
        await this.#write(batch);
        const before = await this.#paths.get(file.path);
        await this.#write([
          ...await this.#forget(before === undefined ? undefined : await this.#files.get(before)),
          ...this.#putFile(file),
          ...(file.piece === undefined ? [] : [{ type: 'put', key: `piece:${file.piece}`, value: file.path, sublevel: this.#records } as Operation]),
        ]);
        return file;
      },
    };
  }

  /** What is known of a path. */
  async fileAt(path: string): Promise<ShelvedFile | undefined> {
    const key = await this.#paths.get(path);
    return key === undefined ? undefined : this.#files.get(key);
  }

  /** The same of several. */
  async filesAt(paths: readonly string[]): Promise<(ShelvedFile | undefined)[]> {
    const keys = await this.#paths.getMany([...paths]);
    const known = keys.filter((key) => key !== undefined);
    const files = new Map((await this.#files.getMany(known)).map((file, i) => [known[i], file]));
    return keys.map((key) => files.get(key));
  }

  /** Notes that a file was found to be other than it was read: it is not believed to be the same again before it is read anew. */
  async distrust(path: string): Promise<void> {
    const file = await this.fileAt(path);
    if (file !== undefined && file.problem === undefined) await this.#files.put(fileKey(file.id), { ...file, problem: 'it is not what it was when it was read' });
  }

  /** The files of a shelf, or those of it below a folder, by path. */
  async* files(shelf: string, below = ''): AsyncGenerator<ShelvedFile> {
    for await (const keys of inBatches(this.#paths.values({ gte: below, lt: `${below}\u{10ffff}` }))) {
      for (const file of await this.#files.getMany(keys)) if (file?.shelf === shelf) yield file;
    }
  }

  /** The file that is a piece. */
  async piece(cid: CID): Promise<ShelvedFile | undefined> {
    const path = await this.get<string>('piece', cid.toString());
    const file = path === undefined ? undefined : await this.fileAt(path);
    return file?.piece === cid.toString() ? file : undefined;
  }

  removeFile(file: ShelvedFile): Promise<void> {
    return this.removeFiles([file]);
  }

  /** Several at once. */
  async removeFiles(files: readonly ShelvedFile[]): Promise<void> {
    const records: Operation[] = [];
    const known = await this.#paths.getMany(files.map(({ path }) => path));
    for (const [i, file] of files.entries()) {
      records.push(...await this.#forget(file));
      if (known[i] === fileKey(file.id)) records.push({ type: 'del', key: file.path, sublevel: this.#paths });
    }
    await this.#write(records);
  }

  /** Enters files of one block each, which begin nowhere else; they replace what is known of their paths. */
  async addFiles(files: readonly WholeBlock[], shelf: string): Promise<void> {
    const records: Operation[] = [];
    const known = await this.#paths.getMany(files.map(({ path }) => path));
    for (const [i, { path, identity, cid, length }] of files.entries()) {
      const id = await this.#newId();
      records.push(
        ...await this.#forget(known[i] === undefined ? undefined : await this.#files.get(known[i])),
        this.#putBlock(cid, id, 0, length),
        ...this.#putFile({ roots: [cid.toString()], path, identity, shelf, id, blocks: 1 }),
      );
    }
    await this.#write(records);
  }

  /** Says that a file is all of a DAG, whose root is not in it. */
  putWhole(root: CID, path: string): Promise<void> {
    return this.put(WHOLE, root.toString(), path);
  }

  /** The path of such a file. */
  whole(root: CID): Promise<string | undefined> {
    return this.get<string>(WHOLE, root.toString());
  }

  #write(operations: Operation[]): Promise<void> {
    // Each is encoded as its sublevel says.
    return this.#db.batch<Buffer | string, unknown>(operations, {});
  }

  #putBlock(cid: CID, id: number, offset: number, length: number | undefined): Operation {
    return { type: 'put', key: blockEntryKey(cid, id), value: place(offset, length), sublevel: this.#blocks };
  }

  #putFile(file: ShelvedFile): Operation[] {
    return [
      { type: 'put', key: fileKey(file.id), value: file, sublevel: this.#files },
      { type: 'put', key: file.path, value: fileKey(file.id), sublevel: this.#paths },
    ];
  }

  /** What forgets a file, if there is one, and what it was the whole of. */
  async #forget(file: ShelvedFile | undefined): Promise<Operation[]> {
    if (file === undefined) return [];
    // Of a file that is one block that block's entry is known as well.
    const [only] = file.blocks === 1 ? file.roots : [];
    return [
      { type: 'del', key: fileKey(file.id), sublevel: this.#files },
      ...(only === undefined ? [] : [{ type: 'del', key: blockEntryKey(CID.parse(only), file.id), sublevel: this.#blocks } as Operation]),
      ...(await this.#rootsOf(file)).map((root): Operation => ({ type: 'del', key: `${WHOLE}:${root}`, sublevel: this.#records })),
    ];
  }

  /** The DAGs of which a file is known to be the whole. */
  async #rootsOf({ path, roots, blocks }: ShelvedFile): Promise<string[]> {
    if (blocks === 1) return [];
    const whole = await Promise.all(roots.map((root) => this.get<string>(WHOLE, root)));
    return roots.filter((_root, i) => whole[i] === path);
  }

  async #newId(): Promise<number> {
    const id = this.#nextId++;
    // Ids are set aside many at a time: those a crash leaves unused are not missed.
    if (id >= this.#setAside) {
      this.#setAside = id + IDS_AT_ONCE;
      await this.#records.put('next-id', this.#setAside);
    }
    return id;
  }

  /** Small records under names of their own: `kind:name`. */
  get<T>(kind: string, name: string): Promise<T | undefined> {
    return this.#records.get(`${kind}:${name}`) as Promise<T | undefined>;
  }

  put(kind: string, name: string, record: unknown): Promise<void> {
    return this.#records.put(`${kind}:${name}`, record);
  }

  remove(kind: string, name: string): Promise<void> {
    return this.#records.del(`${kind}:${name}`);
  }

  async* all<T>(kind: string): AsyncGenerator<[string, T]> {
    for await (const [key, record] of this.#records.iterator({ gt: `${kind}:`, lt: `${kind};` })) yield [key.slice(kind.length + 1), record as T];
  }
}

async function* inBatches<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

const ID_MIN = Buffer.alloc(4, 0);
const ID_MAX = Buffer.alloc(4, 0xff);
const UNKNOWN_LENGTH = 0xffff_ffff;

/** Records of files that are all of a DAG. */
const WHOLE = 'whole';

function blockEntryKey(cid: CID, id: number): Buffer {
  const key = Buffer.concat([cid.multihash.bytes, ID_MIN]);
  key.writeUInt32BE(id, key.length - 4);
  return key;
}

function place(offset: number, length: number | undefined): Buffer {
  const value = Buffer.alloc(12);
  value.writeBigUInt64BE(BigInt(offset));
  value.writeUInt32BE(length ?? UNKNOWN_LENGTH, 8);
  return value;
}

/** Ids sort as numbers do. */
function fileKey(id: number): string {
  return id.toString(36).padStart(7, '0');
}
