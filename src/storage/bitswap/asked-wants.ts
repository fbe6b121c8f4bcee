import { createHash } from 'node:crypto';
import type { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { MAX_BLOCK_BYTES } from '../constants.ts';
import { StorageError } from '../errors.ts';
import { giveBack } from '../stream/buffers.ts';
import { blockKey } from '../unixfs/links.ts';
import { hashName, hashOf } from '../blocks/verify.ts';
import { MAX_UNASKED_BYTES, PEER_CHECK_MS, PEER_REPEAT_MS, PEER_SILENCE_TIMEOUT_MS, UNASKED_ITEM_BYTES, WANTS_PER_MESSAGE } from './constants.ts';
import { broken, encodeWants, type WantEntry } from './messages.ts';
import type { RecentKeys } from './recent-keys.ts';

export interface AskInit { silenceMs?: number; repeatMs?: number; checkMs?: number; maxUnaskedBytes?: number }

interface Asked { cid: CID; waiting: Set<PromiseWithResolvers<Uint8Array>> }

/**
 * What we want of one peer. Answers are told apart: the block, that the peer has it not (DONT_HAVE), silence, and bytes that were never asked for,
 * which are wrong ones. Wants are sent together; they are repeated during silence, and cancelled when they are given up.
 *
 * Some servers answer a want once, and stay silent when a block is asked for again until the want was cancelled; so it is cancelled first.
 */
export class AskedWants {
  readonly #send: (message: Uint8Array) => Promise<void>;
  readonly #init: Required<AskInit>;
  readonly #wants = new Map<string, Asked>();
  readonly #known: RecentKeys;
  #entries: WantEntry[] = [];
  #watch: NodeJS.Timeout | undefined;
  #heard = false;
  /** What it may send and be too late with, bytes: a block for each want. */
  #allowed = 0;
  #unasked = 0;
  /** Blocks of no use since something of use came. */
  #strange = 0;

  /** @param known blocks that anybody was asked for */
  constructor(send: (message: Uint8Array) => Promise<void>, known: RecentKeys, { silenceMs = PEER_SILENCE_TIMEOUT_MS, repeatMs = PEER_REPEAT_MS, checkMs = PEER_CHECK_MS, maxUnaskedBytes = MAX_UNASKED_BYTES }: AskInit = {}) {
    this.#send = send;
    this.#known = known;
    this.#init = { silenceMs, repeatMs, checkMs, maxUnaskedBytes };
  }

  get size(): number {
    return this.#wants.size;
  }

  /**
   * A block whose hash is that of the CID, in memory that may be given back.
   *
   * @throws StorageError NOT_FOUND, STALLED, FORMAT_UNSUPPORTED; what the wants were ended with; the signal's reason
   */
  async ask(cid: CID, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    hashOf(cid);
    const key = blockKey(cid);
    const answer = Promise.withResolvers<Uint8Array>();
    let want = this.#wants.get(key);
    if (want === undefined) {
      this.#wants.set(key, want = { cid, waiting: new Set() });
      this.#watch ??= this.#watchSilence();
      this.#request(key, cid);
    }
    want.waiting.add(answer);
    const onAbort = () => {
      answer.reject(signal.reason);
      want.waiting.delete(answer);
      if (want.waiting.size > 0 || this.#wants.get(key) !== want) return;
      this.#forget(key);
      this.#cancel(cid);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await answer.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Something came of what it was asked for: it is not silent. */
  hear(): void {
    this.#heard = true;
  }

  /**
   * @param lenient what was never asked for is merely of no use
   * @throws StorageError BLOCK_INVALID for one that was never asked for; PROTOCOL_BROKEN when too much comes that is not wanted any more
   */
  block(hashCode: number, bytes: Uint8Array, lenient: boolean): void {
    const name = hashName(hashCode);
    const key = name === undefined ? undefined : blockKey({ multihash: createDigest(hashCode, createHash(name).update(bytes).digest()) });
    const want = key === undefined ? undefined : this.#wants.get(key);
    if (want === undefined || key === undefined) {
      giveBack(bytes);
      if (!lenient && (key === undefined || !this.#known.has(key))) {
        throw new StorageError('BLOCK_INVALID', 'the peer sent wrong bytes', { details: `${bytes.length} bytes that were never asked for` });
      }
      this.#strange++;
      return this.unasked(bytes.length);
    }
    this.#heard = true;
    this.#strange = 0;
    this.#forget(key);
    const copies = [...want.waiting].map((_waiting, i) => (i === 0 ? bytes : bytes.slice()));
    for (const [i, { resolve }] of [...want.waiting].entries()) resolve(copies[i]!);
  }

  /** A yes is no answer to a want, which is for the block. @throws StorageError PROTOCOL_BROKEN when too many come that nobody asked for */
  presence(cid: CID, has: boolean): void {
    const key = blockKey(cid);
    const want = this.#wants.get(key);
    if (want === undefined || has) return this.unasked(0);
    this.#heard = true;
    this.#forget(key);
    // It may note the want for later; and would not answer it again.
    this.#cancel(cid);
    for (const { reject } of want.waiting) reject(new StorageError('NOT_FOUND', 'the peer does not have it'));
  }

  /** Something came that is of no use. @throws StorageError PROTOCOL_BROKEN when it is enough */
  unasked(bytes: number): void {
    this.#unasked += bytes + UNASKED_ITEM_BYTES;
    if (this.#unasked > this.#allowed + this.#init.maxUnaskedBytes) throw broken(`${this.#unasked} bytes that were not asked for`);
  }

  /** Nothing more will come. */
  end(error: unknown): void {
    for (const [key, { waiting }] of this.#wants) {
      this.#forget(key);
      for (const { reject } of waiting) reject(error);
    }
  }

  #forget(key: string): void {
    this.#wants.delete(key);
    if (this.#wants.size > 0) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  #request(key: string, cid: CID): void {
    if (this.#known.add(key)) this.#cancel(cid);
    this.#allowed += MAX_BLOCK_BYTES + UNASKED_ITEM_BYTES;
    this.#put({ cid, cancel: false, have: false, sendDontHave: true });
  }

  #cancel(cid: CID): void {
    this.#put({ cid, cancel: true, have: false, sendDontHave: false });
  }

  /** What is said in one turn goes in one message. */
  #put(entry: WantEntry): void {
    if (this.#entries.length === 0) setImmediate(() => this.#flush());
    this.#entries.push(entry);
  }

  #flush(): void {
    const entries = this.#entries;
    this.#entries = [];
    // In one message a cancellation counts, whatever is said of the same block before or behind it.
    for (let start = 0; start < entries.length;) {
      const said = new Set<string>();
      let end = start;
      while (end < entries.length && said.size < WANTS_PER_MESSAGE && !said.has(blockKey(entries[end]!.cid))) said.add(blockKey(entries[end++]!.cid));
      this.#send(encodeWants(entries.slice(start, end))).catch((error: unknown) => this.end(error));
      start = end;
    }
  }

  #watchSilence(): NodeJS.Timeout {
    const { silenceMs, repeatMs, checkMs } = this.#init;
    let silent = 0;
    let lookedAt = performance.now();
    let repeatAfterMs = repeatMs;
    this.#heard = false;
    return setInterval(() => {
      const now = performance.now();
      if (this.#heard) {
        this.#heard = false;
        silent = 0;
        repeatAfterMs = repeatMs;
      }
      // While this process itself stood still, it could not have heard anything.
      silent += Math.min(now - lookedAt, 2 * checkMs);
      lookedAt = now;
      if (silent > silenceMs) {
        for (const { cid } of this.#wants.values()) this.#cancel(cid);
        const strange = this.#strange === 0 ? '' : `, and sent ${this.#strange} blocks that were not asked for`;
        this.end(new StorageError('STALLED', 'the peer is silent', { details: `for ${silenceMs} ms${strange}` }));
      } else if (silent > repeatAfterMs) {
        repeatAfterMs *= 2;
        for (const [key, { cid }] of this.#wants) this.#request(key, cid);
      }
    }, checkMs);
  }
}
