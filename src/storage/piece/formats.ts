import { isError } from '../../protocol/base/errors.ts';
import { indexCar } from '../car/car-format.ts';
import { StorageError } from '../errors.ts';
import { openFile, slice, type OpenFile } from '../shelf/byte-reader.ts';
import type { FileEntry } from '../shelf/catalogue.ts';
import type { Format, IndexContext } from '../shelf/watched-folder.ts';
import { commP } from './commp.ts';
import { PADDED_UNIT_BYTES, UNPADDED_UNIT_BYTES } from './fr32.ts';
import { openUnsealedSector } from './unsealed-sector.ts';

/** Read at once when a piece is hashed. */
const READ_BYTES = 4 << 20;
/** Where pieces of a sector are looked for when none is next to the one before, padded bytes: smaller deals are aggregated. */
const SECTOR_STEP_BYTES = 1 << 20;

/**
 * Whole pieces, unpadded: files named by their piece CID (`baga6ea4seaq…`, with `.car` or without), or of a piece park (`s-t00-<id>`),
 * whose names say nothing. The commitment is computed once for each file identity. A piece that is no CAR is known by its commitment
 * only.
 */
export const pieceFormat: Format = {
  shelf: 'pieces',
  accepts: (name) => /^(baga6ea4seaq[a-z2-7]+|s-t00-\d+)(\.car)?$/.test(name),
  open: openFile,
  async index(file, path, entry, context) {
    const { cid } = await commP(contentOf(file), { signal: context.signal });
    const piece = cid.toString();
    const named = /(baga6ea4seaq[a-z2-7]+)(\.car)?$/.exec(path)?.[1];
    if (named !== undefined && named !== piece) throw new StorageError('PIECE_INVALID', 'the file is not the piece its name says', { details: `it is ${piece}` });
    try {
      return { piece, roots: (await indexCar(file, 0, entry, context)).roots };
    } catch (error) {
      if (!isError(error, 'CAR_INVALID')) throw error;
      context.onSkip(error.message);
      return { piece, roots: [] };
    }
  },
};

/** Unsealed sector files, named `s-t0<miner>-<number>`: the CARs of the pieces in them, as far as they are unsealed. */
export const sectorFormat: Format = {
  shelf: 'sectors',
  accepts: (name) => /^s-t0[1-9]\d*-\d+$/.test(name),
  open: openUnsealedSector,
  async index(file, _path, entry, context) {
    const roots: string[] = [];
    const { paddedBytes, allocated } = file as Awaited<ReturnType<typeof openUnsealedSector>>;
    for (const run of allocated) {
      let at = Math.ceil(run.start / PADDED_UNIT_BYTES) * PADDED_UNIT_BYTES;
      while (at < run.end) {
        const next = await indexPiece(file, at, Math.min(run.end, paddedBytes), entry, context, roots);
        at = next ?? (Math.floor(at / SECTOR_STEP_BYTES) + 1) * SECTOR_STEP_BYTES;
      }
    }
    if (roots.length === 0) context.onSkip('no CAR begins in what is unsealed');
    return { roots };
  },
};

/**
 * Enters the CAR that begins at a place of a sector, if one does.
 *
 * @returns where the next piece begins if this one is as small as it may be, padded: pieces are powers of two, and lie at multiples of
 * their size
 */
async function indexPiece(
  file: OpenFile, at: number, end: number, entry: FileEntry, context: IndexContext, roots: string[],
): Promise<number | undefined> {
  try {
    const car = await indexCar(slice(file, 0, unpadded(end)), unpadded(at), entry, context);
    roots.push(...car.roots);
    const size = 2 ** Math.ceil(Math.log2(Math.ceil(car.end / UNPADDED_UNIT_BYTES) * PADDED_UNIT_BYTES));
    return (Math.floor(at / size) + 1) * size;
  } catch (error) {
    if (!isError(error, 'CAR_INVALID', 'NOT_UNSEALED')) throw error;
    return undefined;
  }
}

function unpadded(paddedBytes: number): number {
  return (paddedBytes / PADDED_UNIT_BYTES) * UNPADDED_UNIT_BYTES;
}

async function* contentOf(file: OpenFile): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.size; at += READ_BYTES) yield await file.read(at, READ_BYTES);
}
