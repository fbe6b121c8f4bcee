import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { isError } from '../../protocol/base/errors.ts';
import { openFile, slice, type ByteReader } from '../shelf/byte-reader.ts';
import type { FileEntry } from '../shelf/catalogue.ts';
import type { Format, IndexContext } from '../shelf/watched-folder.ts';
import { readCarIndex } from './read-index.ts';
import { readCarHeader } from './read-header.ts';
import { scanCar } from './scan-car.ts';

/** Files named `*.car`, of version 1 or 2. */
export const carFormat: Format = {
  shelf: 'cars',
  accepts: (name) => name.endsWith('.car'),
  open: openFile,
  index: (file, _path, entry, context) => indexCar(file, 0, entry, context),
};

/**
 * Enters the blocks of a CAR that begins at `start` of some bytes: by its own index where it has a good one, else by its sections.
 *
 * @returns its roots and where its last section ends, from `start`; the size of the bytes where only the index was read
 * @throws StorageError CAR_INVALID; what was entered before counts
 */
export async function indexCar(bytes: ByteReader, start: number, entry: FileEntry, { signal, onSkip }: IndexContext): Promise<{ roots: string[]; end: number }> {
  const reader = slice(bytes, start, bytes.size - start);
  const header = await readCarHeader(reader);
  const payloadStart = start + header.payloadStart;
  const roots = header.roots.map(String);
  if (header.index !== undefined) {
    try {
      for (const { multihash, offset } of await readCarIndex({ ...header, index: header.index })) {
        signal.throwIfAborted();
        await entry.put(CID.createV1(raw.code, multihash), payloadStart + offset, undefined);
      }
      return { roots, end: reader.size };
    } catch (error) {
      if (!isError(error, 'CAR_INVALID')) throw error;
      onSkip(error.message);
    }
  }
  const sections = scanCar(header.payload, header.sectionsStart, { signal, onSkip });
  for (;;) {
    const { value, done } = await sections.next();
    if (done) return { roots, end: header.version === 2 ? reader.size : value };
    await entry.put(value.cid, payloadStart + value.offset, value.length);
  }
}
