import type { FileHandle } from 'node:fs/promises';
import { encode, Token, Type } from 'cborg';
import type { CID } from 'multiformats/cid';
import { BlockSet } from '../blocks/block-set.ts';
import { giveBack } from '../stream/buffers.ts';
import { isLeaf, linksOf } from '../unixfs/links.ts';
import { identityBlock } from '../blocks/verify.ts';
import { writeVarint } from './varint.ts';

/** The header of a CARv1 with one root. */
export function carHeader(root: CID): Uint8Array {
  const header = encode({ roots: [root], version: 1 }, {
    typeEncoders: {
      Object: (value: unknown) => (value === root ? [new Token(Type.tag, 42), new Token(Type.bytes, Uint8Array.of(0, ...root.bytes))] : null),
    },
  });
  return Buffer.concat([writeVarint(header.length), header]);
}

/** What stands before a block of `length` bytes in a CAR. */
export function sectionHead(cid: CID, length: number): Uint8Array {
  return Buffer.concat([writeVarint(cid.bytes.length + length), cid.bytes]);
}

export interface WriteCarInit { signal?: AbortSignal; onProgress?: (progress: { bytes: number; blocks: number }) => void }

/** Writes a DAG as a CARv1: see `carStream`. @throws what `read` throws; StorageError DAG_INVALID, FORMAT_UNSUPPORTED */
export async function writeCar(
  file: FileHandle, root: CID, read: (cid: CID) => Promise<Uint8Array>, { signal, onProgress }: WriteCarInit = {},
): Promise<{ bytes: number; blocks: number }> {
  const written = { bytes: 0, blocks: 0 };
  const onBlock = () => {
    written.blocks++;
    onProgress?.({ ...written });
  };
  for await (const part of carStream(root, read, { ...(signal && { signal }), onBlock })) {
    await file.writeFile(part);
    written.bytes += part.length;
  }
  return written;
}

/**
 * A DAG as a CARv1: depth first, every block once. What comes is of no meaning any more once the next is asked for.
 *
 * @param read a verified block; undefined for one that is left out, with what hangs from it
 * @param onBlock told of each block once whoever reads the stream is done with it
 * @throws what `read` throws; StorageError DAG_INVALID, FORMAT_UNSUPPORTED; the signal's reason
 */
export async function* carStream(
  root: CID, read: (cid: CID) => Promise<Uint8Array | undefined>, { signal, onBlock }: { signal?: AbortSignal; onBlock?: () => void } = {},
): AsyncGenerator<Uint8Array> {
  yield carHeader(root);
  const seen = new BlockSet();
  const waiting = [root];
  for (let cid = waiting.pop(); cid !== undefined; cid = waiting.pop()) {
    signal?.throwIfAborted();
    if (!seen.add(cid)) continue;
    const inline = identityBlock(cid);
    const bytes = inline ?? await read(cid);
    if (bytes === undefined) continue;
    if (inline === undefined) {
      yield sectionHead(cid, bytes.length);
      yield bytes;
      onBlock?.();
    }
    if (isLeaf(cid)) {
      if (inline === undefined) giveBack(bytes);
      continue;
    }
    waiting.push(...linksOf(cid, bytes).map((link) => link.cid).reverse());
  }
}
