import { constants } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { CID } from 'multiformats/cid';
import { StorageError } from '../errors.ts';
import { refuseExisting } from '../inputs/new-path.ts';
import { commP, isPieceCid } from '../piece/commp.ts';
import type { PieceHttp } from './piece-http.ts';

export interface FetchPieceInit {
  signal: AbortSignal;
  onProgress?: (progress: { bytes: number }) => void;
  /** Before so many bytes more are written. @throws when there is no room */
  requireSpace?: (bytes: number) => Promise<void>;
}

/** What is kept of a piece meanwhile; never what a link or a pipe of that name leads to: anybody may have put one there. */
const DRAFT_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Fetches a whole piece to a path that must not exist, and checks its commitment. What has come stays beside it until it is whole, and a
 * fetch that was broken off goes on from there; if that leads to another piece, all of it is fetched once more.
 *
 * @throws StorageError PIECE_INVALID when all of it came and it is another piece (nothing is kept then); NOT_FOUND, DESTINATION_EXISTS, DISK_FULL,
 * NOT_A_FILE when something else is where it is kept meanwhile
 */
export async function fetchPiece(http: PieceHttp, cid: CID, destination: string, init: FetchPieceInit): Promise<{ bytes: number }> {
  if (!isPieceCid(cid)) throw new StorageError('FORMAT_UNSUPPORTED', 'this is not the CID of a piece', { details: cid.toString(), hint: 'it begins with baga6ea4seaq' });
  const target = resolve(destination);
  await refuseExisting(target);
  const draft = join(dirname(target), `.${basename(target)}.${cid}.part`);
  const fetched = await fill(http, cid, draft, init) ?? await fill(http, cid, draft, init);
  if (fetched === undefined) throw new StorageError('PIECE_INVALID', 'what came is another piece', { details: `${cid}: what is kept at ${draft} is changed meanwhile` });
  await refuseExisting(target);
  await rename(draft, target);
  return fetched;
}

/** @returns undefined when what was there before is not of this piece; it is gone then */
async function fill(http: PieceHttp, cid: CID, draft: string, { signal, onProgress, requireSpace = async () => {} }: FetchPieceInit): Promise<{ bytes: number } | undefined> {
  const hosts = new Set<string>();
  let bytes = 0;
  const file = await open(draft, DRAFT_FLAGS, 0o644).catch((cause: unknown) => { throw notAFile(draft, cause); });
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw notAFile(draft);
    const had = stats.size;
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
    if (found.equals(cid)) return { bytes };
    await rm(draft, { force: true });
    // Of what came earlier nobody knows who sent it, or who changed it since.
    if (had > 0) return undefined;
    // One of them lied, and nothing tells which: all of them are left alone for a while if there were several.
    for (const host of hosts) http.lied(host);
    throw new StorageError('PIECE_INVALID', 'what came is another piece', { details: `${found} instead of ${cid}, from ${[...hosts].join(', ')}` });
  } finally {
    await file.close();
  }
}

function notAFile(path: string, cause?: unknown): Error {
  if (cause !== undefined && !['ELOOP', 'EISDIR', 'ENXIO'].includes((cause as NodeJS.ErrnoException).code ?? '')) return cause as Error;
  return new StorageError('NOT_A_FILE', 'what is kept meanwhile would not be in a file', { details: path, hint: 'remove it, or choose another folder', cause });
}
