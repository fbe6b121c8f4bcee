import type { CID } from 'multiformats/cid';
import { isError, messageOf } from '../../protocol/base/errors.ts';
import { StorageError } from '../errors.ts';
import type { Gateway } from '../gateway/ask-gateway.ts';
import { createStandings, type Standings } from '../gateway/host-standing.ts';
import { httpGet } from '../gateway/http-get.ts';
import type { ByteReader } from '../shelf/byte-reader.ts';
import { ByteQueue } from '../stream/byte-queue.ts';
import { PIECE_HEAD_TIMEOUT_MS, PIECE_RANGE_BYTES } from './constants.ts';
import type { RetrievalBudget } from './retrieval-payment.ts';

export interface PieceHttpInit {
  /** Storage providers that serve `/piece/CID` (Curio, Boost), best guess first. */
  providers: readonly Gateway[];
  /** What may be spent on them. */
  budget: RetrievalBudget;
  standings?: Standings;
  headTimeoutMs?: number;
  stallMs?: number;
}

/** Told which host the bytes are from, since whoever takes them finds out what they are worth. */
export interface PieceChunk { bytes: Uint8Array; host: string }

/** Pieces by HTTP from storage providers, in ranges, from the provider that served best so far; when it fails, the next goes on from there. */
export class PieceHttp {
  readonly #init: PieceHttpInit;
  readonly #standings: Standings;

  constructor(init: PieceHttpInit) {
    this.#init = init;
    this.#standings = init.standings ?? createStandings();
  }

  /** The host sent what the piece does not hold. */
  lied(host: string): void {
    this.#standings.lied(host);
  }

  /** A piece to be read anywhere. @throws StorageError NOT_FOUND, listing every provider and why; the signal's reason */
  async open(cid: CID, { signal }: { signal: AbortSignal }): Promise<ByteReader & { lastHost(): string | undefined }> {
    let lastHost: string | undefined;
    const size = await this.#size(cid, signal);
    return {
      size, lastHost: () => lastHost,
      read: (offset, length) => {
        const count = Math.max(0, Math.min(length, size - offset));
        if (count === 0) return Promise.resolve(new Uint8Array());
        return this.#first(cid, offset, count, signal, async ({ take, host }) => {
          const parts: Uint8Array[] = [];
          for await (const part of take()) parts.push(part);
          lastHost = host;
          return Buffer.concat(parts);
        });
      },
    };
  }

  /** The bytes of a piece from `from` to its end. @throws as `open` */
  async* stream(cid: CID, from: number, { signal }: { signal: AbortSignal }): AsyncGenerator<PieceChunk> {
    const size = await this.#size(cid, signal);
    for (let at = from; at < size;) {
      const length = Math.min(PIECE_RANGE_BYTES, size - at);
      const { host, bytes } = await this.#first(cid, at, length, signal, async ({ take, host: name }) => {
        const parts: Uint8Array[] = [];
        for await (const part of take()) parts.push(part);
        return { host: name, bytes: parts };
      });
      for (const part of bytes) {
        at += part.length;
        yield { bytes: part, host };
      }
    }
  }

  #size(cid: CID, signal: AbortSignal): Promise<number> {
    return this.#first(cid, 0, 1, signal, async ({ size, take }) => {
      for await (const _ of take());
      return size;
    });
  }

  /** What the first provider answers that does. */
  async #first<T>(cid: CID, offset: number, length: number, signal: AbortSignal, use: (answer: RangeAnswer) => Promise<T>): Promise<T> {
    const reasons: string[] = [];
    for (const { gateway } of this.#standings.order(this.#init.providers.map((one) => ({ gateway: one, host: one.url.host })))) {
      const { host } = gateway.url;
      const started = performance.now();
      try {
        await this.#init.budget.reserve(host, length);
        const value = await use(await this.#range(gateway, cid, offset, length, signal));
        this.#standings.served(host, length, performance.now() - started);
        return value;
      } catch (error) {
        signal.throwIfAborted();
        if (!isError(error, 'NOT_FOUND', 'OVER_BUDGET')) this.#standings.failed(host);
        reasons.push(`${host}: ${messageOf(error)}`);
      }
    }
    throw new StorageError('NOT_FOUND', 'no provider gives the piece', { details: `${cid}: ${reasons.slice(0, 5).join('; ') || 'there are none that may be asked now'}` });
  }

  /** Checks the head of an answer to a request for a range; its bytes are those, or an error. */
  async #range({ url: base, trusted }: Gateway, cid: CID, offset: number, length: number, signal: AbortSignal): Promise<RangeAnswer> {
    const { headTimeoutMs = PIECE_HEAD_TIMEOUT_MS, stallMs, budget } = this.#init;
    const { host } = base;
    const { status, headers, body } = await httpGet(new URL(`/piece/${cid}`, base), {
      signal, trusted, timeoutMs: headTimeoutMs, headers: { range: `bytes=${offset}-${offset + length - 1}`, 'accept-encoding': 'identity' },
    });
    try {
      if (status === 404 || status === 410) throw new StorageError('NOT_FOUND', 'the provider does not have it', { details: `HTTP ${status}` });
      if (status === 402) throw new StorageError('OVER_BUDGET', 'the provider asks for payment', { details: 'HTTP 402' });
      if (status === 200) throw new StorageError('HTTP_FAILED', 'the provider serves no ranges');
      if (status !== 206) throw new StorageError('HTTP_FAILED', 'the provider failed', { details: `HTTP ${status}` });
      const said = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '');
      if (said === null || Number(said[1]) !== offset || Number(said[2]) !== offset + length - 1 || !Number.isSafeInteger(Number(said[3]))) {
        throw new StorageError('HTTP_FAILED', 'the provider sent another range', { details: String(headers['content-range']).slice(0, 100) });
      }
      const queue = new ByteQueue(body, { signal, ...(stallMs !== undefined && { stallMs }) });
      return {
        host, size: Number(said[3]),
        async* take() {
          let left = length;
          try {
            for await (const chunk of queue.rest()) {
              const bytes = chunk.subarray(0, left);
              left -= bytes.length;
              await budget.spend(host, bytes.length);
              yield bytes;
              if (left === 0) return;
            }
            throw new StorageError('STREAM_CUT', 'the provider broke off', { details: `${left} of ${length} bytes are missing` });
          } finally {
            body.destroy();
          }
        },
      };
    } catch (error) {
      body.destroy();
      throw error;
    }
  }
}

interface RangeAnswer { host: string; size: number; take(): AsyncGenerator<Uint8Array> }
