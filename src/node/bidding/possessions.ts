import { createHash } from 'node:crypto';
import { sha256, stringToHex, type Address, type Hex } from 'viem';
import { messageOf, parseCid, POSSESSION_CHUNK_BYTES, possessionOf, possessionPicks, possessionRoot, type PossessionRoot } from '../../protocol/index.ts';
import { contentStream, type Journal, type Storage } from '../../storage/index.ts';
import type { Log } from '../log.ts';
import { INLINE_ROOT_BYTES, POSSESSION_SEGMENT_BYTES } from '../constants.ts';

/** What one reading of a list of inputs leaves: its root, and enough to read any part of it again and know that it is the same. */
export interface PossessionRecord extends PossessionRoot {
  /** All files in order, with their bytes. */
  files: { cid: string; bytes: number }[];
  /** SHA-256 of each mebibyte of the stream. */
  segments: string[];
}

type Readable = Pick<Storage, 'ls' | 'cat'>;

/**
 * Proves that this node holds the input of a job. A list of inputs is read once for its root; a claim then reads eight mebibytes of it,
 * however large it is.
 */
export class Possessions {
  readonly #storage: Readable;
  readonly #journal: Journal<PossessionRecord>;
  readonly #log: Log;
  #preparing = Promise.resolve();
  readonly #reading = new Map<string, Promise<PossessionRecord>>();

  constructor(storage: Readable, journal: Journal<PossessionRecord>, log: Log = () => {}) {
    this.#storage = storage;
    this.#journal = journal;
    this.#log = log;
  }

  /** Root over the contents of inputs that are all here. @throws StorageError */
  async rootOf(inputs: readonly string[], signal: AbortSignal): Promise<PossessionRoot> {
    const { dataRoot, dataBytes } = await this.#recordOf(inputs, signal);
    return { dataRoot, dataBytes };
  }

  /** Reads an input that was added beside whatever else is done, one at a time, so that the first bid for it can claim it. */
  prepare(input: string, signal: AbortSignal): void {
    this.#preparing = this.#preparing.then(async () => {
      if (!signal.aborted) await this.#recordOf([input], signal);
    }).catch((error: unknown) => { if (!signal.aborted) this.#log('warn', 'input not read', { reason: messageOf(error) }); });
  }

  /** The same if it is known or soon will be; of large inputs not yet, but it is read meanwhile for the next time. @throws StorageError */
  async rootNow(inputs: readonly string[], bytes: number, signal: AbortSignal): Promise<PossessionRoot | undefined> {
    if (bytes <= INLINE_ROOT_BYTES || await this.#journal.get(keyOf(inputs)) !== undefined) return this.rootOf(inputs, signal);
    this.#recordOf(inputs, signal).catch((error: unknown) => { if (!signal.aborted) this.#log('warn', 'input not read', { reason: messageOf(error) }); });
    return undefined;
  }

  /** What a bid says of the chunks that the seed picks; undefined where what is read now is not what the root was made of. @throws StorageError */
  async claim(inputs: readonly string[], { seed, node, signal }: { seed: Hex; node: Address; signal: AbortSignal }): Promise<Hex | undefined> {
    const record = await this.#recordOf(inputs, signal);
    const chunks: Uint8Array[] = [];
    // Of a small input the same mebibyte is picked many times.
    const read = new Map<number, Promise<Uint8Array>>();
    for (const pick of possessionPicks(seed, record.dataBytes)) {
      const segment = Math.floor((pick * POSSESSION_CHUNK_BYTES) / POSSESSION_SEGMENT_BYTES);
      if (!read.has(segment)) read.set(segment, this.#read(record, segment * POSSESSION_SEGMENT_BYTES, POSSESSION_SEGMENT_BYTES, signal));
      const bytes = await read.get(segment)!;
      // A DAG may be made so that its parts, read by themselves, are not those of the whole: a claim on them would cost the stake.
      if (hashOf(bytes) !== record.segments[segment]) return undefined;
      const at = pick * POSSESSION_CHUNK_BYTES - segment * POSSESSION_SEGMENT_BYTES;
      chunks.push(bytes.subarray(at, at + POSSESSION_CHUNK_BYTES));
    }
    return possessionOf(chunks, node);
  }

  async #recordOf(inputs: readonly string[], signal: AbortSignal): Promise<PossessionRecord> {
    const key = keyOf(inputs);
    const known = await this.#journal.get(key);
    if (known !== undefined) return known;
    const reading = this.#reading.get(key) ?? this.#readAll(inputs, signal).then(async (record) => {
      await this.#journal.put(key, record);
      return record;
    }).finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    return reading;
  }

  async #readAll(inputs: readonly string[], signal: AbortSignal): Promise<PossessionRecord> {
    const files: PossessionRecord['files'] = [];
    const segments: string[] = [];
    const stream = contentStream(this.#storage, inputs.map((text) => parseCid(text)), { signal, onFile: (cid) => files.push({ cid: cid.toString(), bytes: 0 }) });
    async function* noted(): AsyncGenerator<Uint8Array> {
      let hash = createHash('sha256');
      let filled = 0;
      for await (const bytes of stream) {
        files.at(-1)!.bytes += bytes.length;
        for (let from = 0; from < bytes.length;) {
          const part = bytes.subarray(from, from + POSSESSION_SEGMENT_BYTES - filled);
          hash.update(part);
          from += part.length;
          filled += part.length;
          if (filled < POSSESSION_SEGMENT_BYTES) continue;
          segments.push(hash.digest('hex'));
          [hash, filled] = [createHash('sha256'), 0];
        }
        yield bytes;
      }
      if (filled > 0) segments.push(hash.digest('hex'));
    }
    return { ...await possessionRoot(noted(), { signal }), files, segments };
  }

  /** So many bytes of the stream from an offset, or up to its end. */
  async #read({ files }: PossessionRecord, offset: number, length: number, signal: AbortSignal): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let start = 0;
    for (const { cid, bytes } of files) {
      const [from, to] = [Math.max(offset, start), Math.min(offset + length, start + bytes)];
      if (from < to) for await (const part of this.#storage.cat(parseCid(cid), { offset: from - start, length: to - from, signal })) parts.push(part);
      start += bytes;
    }
    return Buffer.concat(parts);
  }
}

function keyOf(inputs: readonly string[]): string {
  return sha256(stringToHex(inputs.join('\n'))).slice(2);
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
