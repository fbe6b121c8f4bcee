import { StorageError } from '../errors.ts';
import { openFile, type OpenFile } from '../shelf/byte-reader.ts';
import { fr32Unpad, PADDED_UNIT_BYTES, UNPADDED_UNIT_BYTES } from './fr32.ts';
import { decodeRlePlus, type Run } from './rle-plus.ts';

/** An unsealed sector file: its data without the fr32 padding, as far as it is unsealed. */
export interface UnsealedSector extends OpenFile {
  /** Bytes of the file before the trailer: the sector's size. */
  paddedBytes: number;
  /** What is unsealed, in padded bytes. */
  allocated: readonly Run[];
}

/** Largest trailer that is read: the limit Lotus warns at. */
const MAX_TRAILER_BYTES = 1 << 20;
const LENGTH_BYTES = 4;

/**
 * Opens an unsealed sector file of Lotus or Curio (`unsealed/s-t0<miner>-<number>`): the sector's data with fr32 padding, then which
 * bytes of it are there as RLE+, then that bitmap's length in 4 bytes, little-endian. Reading what is not there fails; nothing is ever
 * asked to unseal it.
 *
 * @throws StorageError SECTOR_INVALID; its `read`: NOT_UNSEALED
 */
export async function openUnsealedSector(path: string): Promise<UnsealedSector> {
  const file = await openFile(path);
  try {
    const { paddedBytes, allocated } = await readTrailer(file);
    return {
      size: (paddedBytes / PADDED_UNIT_BYTES) * UNPADDED_UNIT_BYTES,
      identity: file.identity,
      paddedBytes,
      allocated,
      close: () => file.close(),
      async read(offset, length) {
        const first = Math.floor(offset / UNPADDED_UNIT_BYTES);
        const end = Math.min(Math.ceil((offset + length) / UNPADDED_UNIT_BYTES), paddedBytes / PADDED_UNIT_BYTES);
        if (end <= first || length <= 0) return new Uint8Array();
        const [from, to] = [first * PADDED_UNIT_BYTES, end * PADDED_UNIT_BYTES];
        if (!allocated.some((run) => run.start <= from && to <= run.end)) {
          throw new StorageError('NOT_UNSEALED', 'this part of the sector is not unsealed', { details: `${path}: bytes ${from} to ${to}` });
        }
        const data = fr32Unpad(await file.read(from, to - from));
        return data.subarray(offset - first * UNPADDED_UNIT_BYTES).subarray(0, length);
      },
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readTrailer(file: OpenFile): Promise<{ paddedBytes: number; allocated: Run[] }> {
  const tail = await file.read(file.size - LENGTH_BYTES, LENGTH_BYTES);
  if (tail.length < LENGTH_BYTES) throw invalid('it has no trailer');
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  const paddedBytes = file.size - LENGTH_BYTES - length;
  if (length === 0 || length > MAX_TRAILER_BYTES || paddedBytes <= 0) throw invalid(`a trailer of ${length} bytes`);
  if (paddedBytes % PADDED_UNIT_BYTES !== 0 || !Number.isInteger(Math.log2(paddedBytes))) throw invalid(`${paddedBytes} bytes are no sector's size`);
  const allocated = joined(decodeRlePlus(await file.read(paddedBytes, length)));
  if (allocated.some(({ end }) => end > paddedBytes)) throw invalid('more is allocated than the sector has');
  return { paddedBytes, allocated };
}

/** Runs that touch, as one: a run that was written in parts is read as a whole. */
function joined(runs: readonly Run[]): Run[] {
  const whole: Run[] = [];
  for (const run of runs) {
    const last = whole.at(-1);
    if (last?.end === run.start) last.end = run.end;
    else whole.push({ ...run });
  }
  return whole;
}

function invalid(why: string): StorageError {
  return new StorageError('SECTOR_INVALID', 'not an unsealed sector file', { details: why });
}
