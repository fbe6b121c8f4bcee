import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, readlink, stat as statOf } from 'node:fs/promises';
import { joinBytes } from '../join-bytes.ts';
import { ExecutorError } from '../errors.ts';
import { imageOwner } from '../rootless/unprivileged-ids.ts';

const BLOCK = 4096;
const BLOCK_BITS = 12;
const SUPERBLOCK_OFFSET = 1024;
const SUPERBLOCK_BYTES = 128;
const DEVICE_SLOT_BYTES = 128;
const MAGIC = 0xe0f5e1e2;
/** EROFS_FEATURE_INCOMPAT_*: a kernel that does not know them refuses. */
const CHUNKED_FILE = 0x4;
const DEVICE_TABLE = 0x8;
const INODE_BYTES = 64;
const NID_BYTES = 32;
/** i_format: extended inode, and the layout of its data. */
const PLAIN = 1 | 0 << 1;
const CHUNKED = 1 | 4 << 1;
const CHUNK_INDEXES = 0x20;
/** Size of a chunk: a file's last one is copied, the others may lie elsewhere; 8 bytes of index each. */
export const CHUNK_BYTES = 1024 ** 2;
const CHUNK_BLOCK_BITS = 8;
const TYPES = { file: 1, directory: 2, character: 3, block: 4, fifo: 5, socket: 6, link: 7 } as const;

/** A node of the tree to be written: what lies on the host, or a directory made up. */
export type ErofsNode =
  | { kind: 'host'; path: string }
  | { kind: 'directory'; entries: Map<string, ErofsNode> };

/** Paths are bytes: a name need not be UTF-8. */
type HostPath = string | Buffer;

export interface ErofsInit {
  /** File to write. */
  out: string;
  root: ErofsNode;
  /** Host files whose whole chunks are not copied: the n-th one's lie on the n-th extra device, which is that file. */
  direct?: readonly string[];
}

interface Inode {
  stat: Pick<Stats, 'mode' | 'uid' | 'gid' | 'mtimeMs' | 'rdev'>;
  type: number;
  size: number;
  nid: number;
  links: number;
  host?: HostPath;
  /** Number of the extra device, counted from 1. */
  device?: number;
  target?: Buffer;
  entries?: { name: Buffer; inode: Inode }[];
  parent?: Inode;
}

/**
 * Writes a read-only EROFS file system (https://docs.kernel.org/filesystems/erofs.html, on-disk format 1.0 with chunk-based
 * files and a device table). Whole chunks of the files in `direct` are not copied but referred to on further devices, so that
 * the image of a huge file takes as long as that of a small one: 8 bytes a MiB and its last part. The last, incomplete chunk is
 * copied because a disk ends with a whole sector and a file does not. Links are kept as links; extended attributes are left out.
 *
 * @throws ExecutorError INPUT_UNREADABLE
 */
export async function writeErofs({ out, root, direct = [] }: ErofsInit): Promise<void> {
  const inodes: Inode[] = [];
  const rootInode = await collect(root, { inodes, hardLinks: new Map(), direct });

  // Superblock and device table, then all inodes with their chunk indexes, then data.
  const tableAt = align(SUPERBLOCK_OFFSET + SUPERBLOCK_BYTES, DEVICE_SLOT_BYTES);
  let at = align(tableAt + direct.length * DEVICE_SLOT_BYTES, NID_BYTES);
  for (const inode of inodes) {
    // An inode must not cross the end of a block.
    if (Math.floor(at / BLOCK) !== Math.floor((at + INODE_BYTES - 1) / BLOCK)) at = align(at, BLOCK);
    inode.nid = at / NID_BYTES;
    at = align(at + INODE_BYTES + chunksOf(inode) * 8, NID_BYTES);
  }
  const meta = Buffer.alloc(align(at, BLOCK));
  let nextBlock = meta.length / BLOCK;
  // A monitor in a jail reads it by its own user; what lies above is closed to others.
  const file = await open(out, 'w', 0o644);
  try {
    const append = async (bytes: Buffer): Promise<number> => {
      const block = nextBlock;
      nextBlock += Math.ceil(bytes.length / BLOCK);
      await file.write(bytes, 0, bytes.length, block * BLOCK);
      return block;
    };
    for (const inode of inodes) await writeInode(inode, { meta, append, rootInode });
    const deviceBlocks = await Promise.all(direct.map(async (path) => Math.floor((await statOf(path)).size / BLOCK)));
    writeSuperblock(meta, { rootNid: rootInode.nid, inodes: inodes.length, blocks: nextBlock, tableAt, deviceBlocks });
    await file.write(meta, 0, meta.length, 0);
    await file.truncate(nextBlock * BLOCK);
  } finally {
    await file.close();
  }
}

interface Collecting { inodes: Inode[]; hardLinks: Map<string, Inode>; direct: readonly string[] }

async function collect(node: ErofsNode, state: Collecting): Promise<Inode> {
  if (node.kind === 'host') return collectHost(node.path, state, true);
  const stat = { mode: constants.S_IFDIR | 0o755, uid: 0, gid: 0, mtimeMs: 0, rdev: 0 };
  return collectDirectory(stat, [...node.entries].map(([name, child]) => ({ name: Buffer.from(name), load: () => collect(child, state) })), state);
}

/** `follow` for what was named itself, which may be a link; what lies below is taken as it is. */
async function collectHost(path: HostPath, state: Collecting, follow: boolean): Promise<Inode> {
  const stat = await readable(path, () => (follow ? statOf(path) : lstat(path)));
  if (stat.isDirectory()) {
    const names = await readable(path, () => readdir(path, { encoding: 'buffer' }));
    return collectDirectory(stat, names.map((name) => ({ name, load: () => collectHost(joinBytes(path, name), state, false) })), state);
  }
  const key = `${stat.dev}:${stat.ino}`;
  const known = stat.nlink > 1 ? state.hardLinks.get(key) : undefined;
  if (known) {
    known.links++;
    return known;
  }
  const inode: Inode = { stat, type: typeOf(stat), size: 0, nid: 0, links: 1 };
  if (stat.isSymbolicLink()) {
    inode.target = await readable(path, () => readlink(path, { encoding: 'buffer' }));
    inode.size = inode.target.length;
  } else if (stat.isFile()) {
    inode.host = path;
    inode.size = stat.size;
    const device = state.direct.findIndex((file) => Buffer.from(file).equals(Buffer.from(path)));
    if (device >= 0) inode.device = device + 1;
  }
  if (stat.nlink > 1) state.hardLinks.set(key, inode);
  state.inodes.push(inode);
  return inode;
}

async function collectDirectory(stat: Inode['stat'], children: { name: Buffer; load: () => Promise<Inode> }[], state: Collecting): Promise<Inode> {
  const inode: Inode = { stat, type: TYPES.directory, size: 0, nid: 0, links: 2, entries: [] };
  state.inodes.push(inode);
  for (const { name, load } of children) {
    const entry = await load();
    if (entry.type === TYPES.directory) {
      entry.parent = inode;
      inode.links++;
    }
    inode.entries!.push({ name, inode: entry });
  }
  inode.entries!.push({ name: Buffer.from('.'), inode }, { name: Buffer.from('..'), inode });
  inode.entries!.sort((a, b) => Buffer.compare(a.name, b.name));
  inode.size = directoryBytes(inode.entries!);
  return inode;
}

/** Chunks named in a file's index; other inodes have none. */
function chunksOf(inode: Inode): number {
  return inode.device === undefined ? 0 : Math.ceil(inode.size / CHUNK_BYTES);
}

interface Writing { meta: Buffer; append: (bytes: Buffer) => Promise<number>; rootInode: Inode }

async function writeInode(inode: Inode, { meta, append, rootInode }: Writing): Promise<void> {
  const at = inode.nid * NID_BYTES;
  const { stat } = inode;
  let format = PLAIN;
  let union = stat.rdev;
  if (inode.device !== undefined) {
    format = CHUNKED;
    union = CHUNK_INDEXES | CHUNK_BLOCK_BITS;
    await writeChunks(inode, { meta, append });
  } else if (inode.entries) union = await append(directoryBlocks(inode, rootInode));
  else if (inode.target) union = await append(inode.target);
  else if (inode.host !== undefined) union = inode.size === 0 ? 0 : await copyFile(inode.host, 0, inode.size, append);
  meta.writeUInt16LE(format, at);
  meta.writeUInt16LE(stat.mode & 0xffff, at + 4);
  meta.writeBigUInt64LE(BigInt(inode.size), at + 8);
  meta.writeUInt32LE(union >>> 0, at + 16);
  meta.writeUInt32LE(inode.nid >>> 0, at + 20);
  // Whoever owns unpacked images on the host is root inside.
  meta.writeUInt32LE(stat.uid === imageOwner() ? 0 : stat.uid, at + 24);
  meta.writeUInt32LE(stat.gid === imageOwner() ? 0 : stat.gid, at + 28);
  meta.writeBigInt64LE(BigInt(Math.floor(stat.mtimeMs / 1000)), at + 32);
  meta.writeUInt32LE(inode.links, at + 44);
}

/** Whole chunks on the file's own device, the last one, if it is not whole, here. */
async function writeChunks(inode: Inode, { meta, append }: Pick<Writing, 'meta' | 'append'>): Promise<void> {
  let at = inode.nid * NID_BYTES + INODE_BYTES;
  for (let chunk = 0; chunk < chunksOf(inode); chunk++, at += 8) {
    const start = chunk * CHUNK_BYTES;
    const whole = start + CHUNK_BYTES <= inode.size;
    meta.writeUInt16LE(whole ? inode.device! : 0, at + 2);
    meta.writeUInt32LE(whole ? start / BLOCK : await copyFile(inode.host!, start, inode.size - start, append), at + 4);
  }
}

/** Returns the first block of the copy. */
async function copyFile(path: HostPath, start: number, length: number, append: Writing['append']): Promise<number> {
  const file = await readable(path, () => open(path, 'r'));
  try {
    let first: number | undefined;
    for (let done = 0; done < length;) {
      const piece = Buffer.alloc(Math.min(CHUNK_BYTES, length - done));
      for (let filled = 0; filled < piece.length;) {
        const { bytesRead } = await file.read(piece, filled, piece.length - filled, start + done + filled);
        if (bytesRead === 0) throw new ExecutorError('INPUT_UNREADABLE', 'a file shrank while it was read', { details: String(path) });
        filled += bytesRead;
      }
      const block = await append(piece);
      first ??= block;
      done += piece.length;
    }
    return first!;
  } finally {
    await file.close();
  }
}

/** Entries are packed into blocks: fixed records first, then the names, sorted over all. */
function blocksOf(entries: NonNullable<Inode['entries']>): NonNullable<Inode['entries']>[] {
  const blocks: NonNullable<Inode['entries']>[] = [];
  let bytes = BLOCK;
  for (const entry of entries) {
    if (bytes + 12 + entry.name.length > BLOCK) {
      blocks.push([]);
      bytes = 0;
    }
    blocks.at(-1)!.push(entry);
    bytes += 12 + entry.name.length;
  }
  return blocks;
}

function directoryBytes(entries: NonNullable<Inode['entries']>): number {
  const blocks = blocksOf(entries);
  return (blocks.length - 1) * BLOCK + blocks.at(-1)!.reduce((sum, { name }) => sum + 12 + name.length, 0);
}

function directoryBlocks(inode: Inode, rootInode: Inode): Buffer {
  const blocks = blocksOf(inode.entries!);
  const bytes = Buffer.alloc(blocks.length * BLOCK);
  blocks.forEach((entries, i) => {
    let nameAt = entries.length * 12;
    entries.forEach(({ name, inode: entry }, k) => {
      const target = name.equals(Buffer.from('..')) ? inode.parent ?? rootInode : entry;
      const at = i * BLOCK + k * 12;
      bytes.writeBigUInt64LE(BigInt(target.nid), at);
      bytes.writeUInt16LE(nameAt, at + 8);
      bytes.writeUInt8(target.type, at + 10);
      name.copy(bytes, i * BLOCK + nameAt);
      nameAt += name.length;
    });
  });
  return bytes.subarray(0, inode.size);
}

function writeSuperblock(meta: Buffer, init: { rootNid: number; inodes: number; blocks: number; tableAt: number; deviceBlocks: number[] }): void {
  const at = SUPERBLOCK_OFFSET;
  meta.writeUInt32LE(MAGIC, at);
  meta.writeUInt8(BLOCK_BITS, at + 12);
  meta.writeUInt16LE(init.rootNid, at + 14);
  meta.writeBigUInt64LE(BigInt(init.inodes), at + 16);
  meta.writeUInt32LE(init.blocks, at + 36);
  meta.writeUInt32LE(CHUNKED_FILE | (init.deviceBlocks.length > 0 ? DEVICE_TABLE : 0), at + 80);
  meta.writeUInt16LE(init.deviceBlocks.length, at + 86);
  meta.writeUInt16LE(init.tableAt / DEVICE_SLOT_BYTES, at + 88);
  init.deviceBlocks.forEach((blocks, i) => meta.writeUInt32LE(blocks, init.tableAt + i * DEVICE_SLOT_BYTES + 64));
}

function typeOf(stat: Stats): number {
  if (stat.isSymbolicLink()) return TYPES.link;
  if (stat.isFile()) return TYPES.file;
  if (stat.isCharacterDevice()) return TYPES.character;
  if (stat.isBlockDevice()) return TYPES.block;
  return stat.isFIFO() ? TYPES.fifo : TYPES.socket;
}

async function readable<T>(path: HostPath, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new ExecutorError('INPUT_UNREADABLE', 'a file cannot be read', { details: String(path), cause });
  }
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
