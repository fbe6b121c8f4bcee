import { CID } from 'multiformats/cid';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { isError, messageOf } from '../../protocol/base/errors.ts';
import { indexCar } from '../car/car-format.ts';
import { StorageError } from '../errors.ts';
import type { Catalogue } from '../shelf/catalogue.ts';
import { createShelf } from '../shelf/shelf.ts';
import type { DagSink, Source } from '../source.ts';
import { ByteQueue } from '../stream/byte-queue.ts';
import { readSections } from '../stream/read-sections.ts';
import { MAX_UNWANTED_BLOCKS, PIECE_RETRY_MS, PIECE_STALL_MS } from './constants.ts';
import type { PieceHttp } from './piece-http.ts';

/** The catalogue's shelf of pieces that lie with providers. */
const SHELF = 'piece-http';
const PREFIX = 'piece:';

/**
 * Blocks inside pieces that storage providers serve by HTTP. Which blocks lie where in a piece is read once, from the heads of its CAR's
 * sections or from its own index, and kept; then each block is a range of the piece. What comes is verified block by block, so that
 * neither the index nor the provider is believed.
 *
 * @param pieces CIDs of pieces whose CARs may be read
 */
export function pieceSource({ catalogue, http }: { catalogue: Catalogue; http: PieceHttp }, pieces: readonly CID[], { retryMs = PIECE_RETRY_MS } = {}): Source {
  const indexing = new Map<string, { done: Promise<void>; failedAt?: number }>();
  /** Where the last bytes of a piece came from, to be blamed when they turn out to be others. */
  const lastHosts = new Map<string, () => string | undefined>();
  const stopless = new AbortController();

  const open = async (path: string) => {
    const cid = CID.parse(path.slice(PREFIX.length));
    const reader = await http.open(cid, { signal: stopless.signal });
    lastHosts.set(path, reader.lastHost);
    return { ...reader, identity: cid.toString(), close: async () => {} };
  };
  const shelf = createShelf({ catalogue, open }, SHELF, (path) => {
    const host = lastHosts.get(path)?.();
    if (host !== undefined) http.lied(host);
  });

  async function index(piece: CID): Promise<void> {
    const path = `${PREFIX}${piece}`;
    if (await catalogue.fileAt(path) !== undefined) return;
    const file = await open(path);
    const entry = await catalogue.add();
    const { roots } = await indexCar(file, 0, entry, { signal: stopless.signal, onSkip() {} });
    await entry.commit({ path, identity: file.identity, shelf: SHELF, roots });
  }

  /** The blocks of all pieces are known, as far as they can be. @throws StorageError why those of one are not */
  async function known(signal: AbortSignal): Promise<void> {
    const outcomes = await Promise.allSettled(pieces.map(async (piece) => {
      const key = piece.toString();
      let one = indexing.get(key);
      if (one === undefined || (one.failedAt !== undefined && performance.now() - one.failedAt > retryMs)) {
        const started: NonNullable<typeof one> = { done: index(piece) };
        started.done.catch(() => { started.failedAt = performance.now(); });
        indexing.set(key, one = started);
      }
      await one.done;
    }));
    signal.throwIfAborted();
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined && outcomes.every(({ status }) => status === 'rejected')) throw failed.reason;
  }

  /** Feeds the sink from one place of a piece on, until it brings nothing more of use. @returns whether anything was */
  async function drain(piece: CID, from: number, sink: DagSink, signal: AbortSignal): Promise<boolean> {
    let useful = false;
    let useless = 0;
    let host = '';
    const over = new AbortController();
    const until = anySignal(signal, over.signal);
    const chunks = http.stream(piece, from, { signal: until });
    const queue = new ByteQueue((async function* () {
      for await (const chunk of chunks) {
        host = chunk.host;
        yield chunk.bytes;
      }
    })(), { signal, stallMs: PIECE_STALL_MS });
    try {
      for await (const { cid, bytes } of readSections(queue)) {
        const took = await sink.take(cid, bytes).catch((error: unknown) => {
          if (isError(error, 'BLOCK_UNWANTED')) return false;
          if (isError(error, 'BLOCK_INVALID', 'BLOCK_TOO_LARGE')) http.lied(host);
          throw error;
        });
        useful ||= took;
        useless = took ? 0 : useless + 1;
        if (useless > MAX_UNWANTED_BLOCKS || (!took && (await sink.missing()).length === 0)) break;
      }
    } finally {
      queue.stop();
      over.abort(new Error('no more of the piece is wanted'));
    }
    return useful;
  }

  return {
    ...shelf,
    local: false,
    name: SHELF,
    async has(cid, { signal }) {
      await known(signal);
      for await (const { file } of catalogue.places(cid)) if (file.shelf === SHELF) return true;
      return false;
    },
    async read(cid, { signal }) {
      await known(signal);
      try {
        const bytes = await shelf.find(cid);
        if (bytes !== undefined) return bytes;
      } catch (error) {
        signal.throwIfAborted();
        throw new StorageError('NOT_FOUND', 'no provider gives it as it should be', { details: messageOf(error), cause: error });
      }
      throw new StorageError('NOT_FOUND', 'not in the pieces that may be read');
    },
    async stream(sink, { signal }) {
      await known(signal);
      let failure: unknown;
      const tried = new Set<string>();
      for (let wanted = await sink.missing(); wanted.length > 0; wanted = await sink.missing()) {
        const first = wanted.find((cid) => !tried.has(cid.toString()));
        if (first === undefined) break;
        tried.add(first.toString());
        for await (const { file, offset, length } of catalogue.places(first)) {
          if (file.shelf !== SHELF) continue;
          const piece = CID.parse(file.path.slice(PREFIX.length));
          try {
            // The section's head lies before the block; of a piece with an index of its own it is what is known.
            await drain(piece, length === undefined ? offset : offset - headBytes(first, length), sink, signal);
          } catch (error) {
            signal.throwIfAborted();
            failure = error;
          }
          break;
        }
      }
      if (failure !== undefined) throw failure;
    },
  };
}

/** Bytes of what stands before a block in a CAR. */
function headBytes(cid: CID, length: number): number {
  let varint = 1;
  for (let rest = cid.bytes.length + length; rest >= 0x80; rest = Math.floor(rest / 128)) varint++;
  return varint + cid.bytes.length;
}
