import type { CID } from 'multiformats/cid';
import { carHeader, sectionHead } from './write-car.ts';

interface Block { cid: CID; bytes: Uint8Array }

/** A CARv1 of blocks, one after the other. */
export function carOf(root: CID, blocks: readonly Block[]): Uint8Array {
  return Buffer.concat([carHeader(root), ...blocks.flatMap(({ cid, bytes }) => [sectionHead(cid, bytes.length), bytes])]);
}

/** The same as a CARv2, with an index of the sorted kind, or by multihash. */
export function carV2Of(root: CID, blocks: readonly Block[], kind: 'none' | 'sorted' | 'multihash' = 'none', change: (offset: number) => number = (offset) => offset): Uint8Array {
  const payload = carOf(root, blocks);
  const head = Buffer.alloc(51);
  Buffer.from('0aa16776657273696f6e02', 'hex').copy(head);
  head.writeBigUInt64LE(51n, 27);
  head.writeBigUInt64LE(BigInt(payload.length), 35);
  if (kind === 'none') return Buffer.concat([head, payload]);
  head.writeBigUInt64LE(BigInt(51 + payload.length), 43);
  let offset = carHeader(root).length;
  const records = blocks.map(({ cid, bytes }) => {
    const record = Buffer.alloc(40);
    record.set(cid.multihash.digest);
    record.writeBigUInt64LE(BigInt(change(offset)), 32);
    offset += sectionHead(cid, bytes.length).length + bytes.length;
    return record;
  }).sort(Buffer.compare);
  const widths = Buffer.alloc(16);
  widths.writeUInt32LE(1, 0);
  widths.writeUInt32LE(40, 4);
  widths.writeBigUInt64LE(BigInt(40 * records.length), 8);
  const codes = Buffer.alloc(12);
  codes.writeUInt32LE(1, 0);
  codes.writeBigUInt64LE(0x12n, 4);
  const index = kind === 'sorted' ? [Buffer.from('8008', 'hex'), widths] : [Buffer.from('8108', 'hex'), codes, widths];
  return Buffer.concat([head, payload, ...index, ...records]);
}
