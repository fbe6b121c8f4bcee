import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { CID } from 'multiformats/cid';
import { StorageError } from '../errors.ts';
import { refuseExisting } from '../local/new-path.ts';
import { commP, isPieceCid } from '../piece/commp.ts';
import type { PieceHttp } from './piece-http.ts';

export interface FetchPieceInit {
  signal: AbortSignal;
  onProgress?: (progress: { bytes: number }) => void;
  /** Before so many bytes more are written. @throws when there is no room */
  requireSpace?: (bytes: number) => Promise<void>;
}

/**
 * Fetches a whole piece to a path that must not exist, and checks its commitment. What has come stays beside it until it is whole, and a
 * fetch that was broken off goes on from there.
 *
 * @throws StorageError PIECE_INVALID when all of it came and it is another piece (nothing is kept then); NOT_FOUND, DESTINATION_EXISTS, DISK_FULL
 */
export async function fetchPiece(http: PieceHttp, cid: CID, destination: string, { signal, onProgress, requireSpace = async () => {} }: FetchPieceInit): Promise<{ bytes: number }> {
  if (!isPieceCid(cid)) throw new StorageError('FORMAT_UNSUPPORTED', 'this is not the CID of a piece', { details: cid.toString(), hint: 'it begins with baga6ea4seaq' });
  const target = resolve(destination);
  await refuseExisting(target);
  const draft = join(dirname(target), `.${basename(target)}.${cid}.part`);
  const hosts = new Set<string>();
  let bytes = 0;
  const had = await stat(draft).then(({ size }) => size, () => 0);
  const file = await open(draft, 'a+');
  try {
    const content = async function* (): AsyncGenerator<Uint8Array> {
      if (had > 0) {
        for await (const chunk of file.createReadStream({ start: 0, end: had - 1, autoClose: false, highWaterMark: 1 << 20, signal })) {
          bytes += (chunk as Buffer).length;
          yield chunk as Buffer;
        }
      }
      for await (const chunk of http.stream(cid, had, { signal })) {
        await requireSpace(chunk.bytes.length);
        hosts.add(chunk.host);
        await file.write(chunk.bytes);
        bytes += chunk.bytes.length;
        onProgress?.({ bytes });
        yield chunk.bytes;
      }
    };
    const { cid: found } = await commP(content(), { signal });
    if (!found.equals(cid)) {
      // One of them lied, and nothing tells which: all of them are left alone for a while if there were several.
      for (const host of hosts) http.lied(host);
      await rm(draft, { force: true });
      throw new StorageError('PIECE_INVALID', 'what came is another piece', { details: `${found} instead of ${cid}, from ${[...hosts].join(', ') || 'an earlier fetch'}` });
    }
  } finally {
    await file.close();
  }
  await refuseExisting(target);
  await rename(draft, target);
  return { bytes };
}
