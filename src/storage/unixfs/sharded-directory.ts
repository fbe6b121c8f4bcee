import { createHash } from 'node:crypto';
import * as dagPb from '@ipld/dag-pb';
import { murmur3128 } from '@multiformats/murmur3';
import type { WritableStorage } from 'ipfs-unixfs-importer';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { writeVarint } from '../car/varint.ts';
import { StorageError } from '../errors.ts';
import { sortByByte } from '../sort-by-byte.ts';
import type { Child, ChildList } from './child-list.ts';

/** Children of a shard, one for each value of a byte. */
const FANOUT = 256;
/** Of a name's hash so much is used, a byte for each level. */
const HASH_BYTES = 8;

/**
 * A directory as a HAMT (ipfs/specs, UnixFS: type 5, murmur3-x64-64, 256 children a shard), built from entries that are sorted by their hashes, a byte at each level: one path of
 * shards is in memory at a time, and of the entries what `ChildList` keeps. The same bytes as the importer's, which builds the tree of objects first.
 *
 * @throws StorageError SOURCE_INVALID when the hashes of two names are equal; what the store throws
 */
export async function shardedDirectory(store: WritableStorage, children: ChildList): Promise<Child> {
  const hashes = Buffer.alloc(HASH_BYTES * children.length);
  const order = new Uint32Array(children.length);
  for (let i = 0; i < children.length; i++) {
    hashes.set((await murmur3128.encode(children.nameBytesOf(i))).subarray(0, HASH_BYTES), HASH_BYTES * i);
    order[i] = i;
  }

  /** The shard of the entries `from` to `to` of the order, whose hashes have the first `depth` bytes in common. */
  async function build(from: number, to: number, depth: number): Promise<Child> {
    if (depth >= HASH_BYTES) throw new StorageError('SOURCE_INVALID', 'the names of two entries have the same hash', { details: `${children.nameOf(order[from]!)} and ${children.nameOf(order[from + 1]!)}` });
    sortByByte(order.subarray(from, to), (index) => hashes[HASH_BYTES * index + depth]!);
    const links: dagPb.PBLink[] = [];
    const held = Buffer.alloc(FANOUT / 8);
    let below = 0;
    for (let at = from; at < to;) {
      const byte = hashes[HASH_BYTES * order[at]! + depth]!;
      let end = at + 1;
      while (end < to && hashes[HASH_BYTES * order[end]! + depth] === byte) end++;
      const label = byte.toString(16).toUpperCase().padStart(2, '0');
      const index = order[at]!;
      const shard = end - at === 1 ? undefined : await build(at, end, depth + 1);
      const size = shard === undefined ? children.sizeOf(index) : Number(shard.size);
      links.push({ Name: shard === undefined ? `${label}${children.nameOf(index)}` : label, Tsize: size, Hash: shard?.cid ?? children.cidOf(index) });
      below += size;
      held[held.length - 1 - (byte >> 3)]! |= 1 << (byte & 7);
      at = end;
    }
    const block = dagPb.encode({ Data: shardData(held), Links: links });
    const cid = CID.createV1(dagPb.code, createDigest(0x12, createHash('sha256').update(block).digest()));
    await store.put(cid, block);
    return { cid, size: BigInt(block.length + below) };
  }

  return build(0, children.length, 0);
}

/** Data { Type = 1, Data = 2, hashType = 5, fanout = 6 }; which children there are is a number, without zeros before it. */
function shardData(held: Uint8Array): Uint8Array {
  const first = held.findIndex((byte) => byte !== 0);
  const bits = held.subarray(first < 0 ? held.length : first);
  return Buffer.concat([Uint8Array.of(0x08, 5, 0x12, bits.length), bits, Uint8Array.of(0x28, 0x22, 0x30), writeVarint(FANOUT)]);
}
