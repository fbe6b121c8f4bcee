import { gzipSync } from 'node:zlib';
import { audio } from './audio.ts';
import { cSource, FUNCTION_BYTES } from './c-source.ts';
import { film, FRAME_BYTES, image, IMAGE_WIDTH } from './pictures.ts';
import { randomOf, type Random } from './random.ts';
import { recordsOf, type RecordKind } from './records.ts';
import { tarOf } from './tar-of.ts';
import { zipOf } from './zip-of.ts';

/** What a program's input is made of, and how much of it there is. */
export interface InputShape {
  kind: RecordKind | 'zip' | 'gzip' | 'blob' | 'image' | 'film' | 'audio' | 'matrix' | 'source' | 'texts' | 'sources' | 'images';
  /** Bytes before packing: what a program has to work on. */
  bytes: number;
}

/** Files in an input that is a tar of files. */
export const TAR_FILES = 40;

/**
 * An input: a function of its arguments and nothing else. Another seed gives other content of the same size and shape (exactly the
 * same size, except where the content is packed). A fraction below 1 keeps that share of the records, from the start: the input a cheat
 * that saves work would run on.
 */
export function generateInput({ kind, bytes }: InputShape, seed: number, fraction = 1): Uint8Array {
  const random = randomOf(seed);
  switch (kind) {
    case 'zip': return zipOf('sales.csv', lines('sales', bytes, random, fraction));
    case 'gzip': return gzipSync(lines('log', bytes, random, fraction), { level: 6 });
    case 'blob': return blob(bytes, random).subarray(0, Math.floor(bytes * fraction));
    case 'image': return image(kept(bytes / 3 / IMAGE_WIDTH, fraction), IMAGE_WIDTH, random);
    case 'film': return film(kept(bytes / FRAME_BYTES, fraction), random);
    case 'audio': return audio(kept(bytes / 2, fraction), random);
    case 'matrix': return matrix(kept(bytes / 8, fraction), random);
    case 'source': return Buffer.from(cSource(kept(bytes / FUNCTION_BYTES, fraction), random));
    case 'texts': return tar(fraction, () => lines('prose', Math.floor(bytes / TAR_FILES), random, 1), 'txt');
    case 'sources': return tar(fraction, (i) => Buffer.from(cSource(Math.floor(bytes / TAR_FILES / FUNCTION_BYTES), random, `part${i}`)), 'c');
    case 'images': return tar(fraction, () => image(Math.floor(bytes / TAR_FILES / 3 / 256), 256, random), 'ppm');
    default: return lines(kind, bytes, random, fraction);
  }
}

/** Whole records in that share of them: a share below 1 leaves out one at least, or a cheat's input would be the right one. */
function kept(records: number, fraction: number): number {
  return fraction === 1 ? Math.floor(records) : Math.min(Math.floor(records * fraction), Math.floor(records) - 1);
}

/** Whole lines, at most the share of the bytes. */
function lines(kind: RecordKind, bytes: number, random: Random, fraction: number): Uint8Array {
  const text = recordsOf(kind, bytes, random);
  const kept = fraction === 1 ? text : text.slice(0, text.lastIndexOf('\n', Math.floor(bytes * fraction)) + 1);
  return Buffer.from(kept, 'latin1');
}

function tar(fraction: number, make: (i: number) => Uint8Array, extension: string): Uint8Array {
  const files = Array.from({ length: kept(TAR_FILES, fraction) }, (_, i) => ({ name: `part${String(i).padStart(2, '0')}.${extension}`, data: make(i) }));
  return tarOf(files);
}

/** Bytes such as a database's pages have: runs that repeat, runs that do not. */
function blob(bytes: number, random: Random): Uint8Array {
  const data = Buffer.alloc(bytes);
  for (let at = 0; at < bytes;) {
    const length = Math.min(bytes - at, 16 + random.below(240));
    if (at > 4096 && random.uniform() < 0.6) data.copyWithin(at, at - 1 - random.below(4096), at + length);
    else for (let i = 0; i < length; i++) data[at + i] = random.below(256);
    at += length;
  }
  return data;
}

/** Little-endian float64, uniform in [-1, 1). */
function matrix(count: number, random: Random): Uint8Array {
  const data = Buffer.alloc(8 * count);
  for (let i = 0; i < count; i++) data.writeDoubleLE(2 * random.uniform() - 1, 8 * i);
  return data;
}
