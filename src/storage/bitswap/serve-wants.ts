import type { CID } from 'multiformats/cid';
import { giveBack } from '../stream/buffers.ts';
import { blockKey } from '../unixfs/links.ts';
import { ANSWER_BYTES, ANSWER_PRESENCES, BLOCK_INSTEAD_OF_HAVE_BYTES, MAX_WANTS_PER_PEER } from './constants.ts';
import { encodeAnswer, type WantEntry } from './messages.ts';
import type { Slots } from './slots.ts';

export interface ServeInit {
  /** A verified block of this machine, in memory that may be given back; undefined when it is not here, or not for others. */
  read(cid: CID): Promise<Uint8Array | undefined>;
  /** Its size, by which a question for it is answered. */
  sizeOf(cid: CID): Promise<number | undefined>;
  /** Turns, which all peers share. */
  slots: Slots;
  /** Sends a message; resolves when there is room for the next. */
  send(pieces: readonly Uint8Array[]): Promise<void>;
}

/**
 * What one peer wants of us. It is answered at once, in its order and a message at a time, so that what waits to be sent is never more than one
 * message. What is not here is not kept in mind: who asks is told so, if that was wanted, and asks again.
 */
export class ServedWants {
  readonly #init: ServeInit;
  readonly #wants = new Map<string, WantEntry>();
  #serving = false;

  constructor(init: ServeInit) {
    this.#init = init;
  }

  /** @param full the list is all that is wanted */
  receive(entries: readonly WantEntry[], full: boolean): void {
    if (full) this.#wants.clear();
    for (const entry of entries) {
      const key = blockKey(entry.cid);
      if (entry.cancel) this.#wants.delete(key);
      else if (this.#wants.size < MAX_WANTS_PER_PEER || this.#wants.has(key)) this.#wants.set(key, entry);
    }
    if (!this.#serving) void this.#serve();
  }

  /** Nothing is wanted any more. */
  clear(): void {
    this.#wants.clear();
  }

  async #serve(): Promise<void> {
    this.#serving = true;
    try {
      while (this.#wants.size > 0) {
        const done = await this.#init.slots.take();
        try {
          await this.#answer();
        } finally {
          done();
        }
      }
    } catch {
      // It cannot be told anything: it went away, takes nothing or does not speak bitswap. It may ask again.
      this.#wants.clear();
    } finally {
      this.#serving = false;
    }
  }

  /** One message. */
  async #answer(): Promise<void> {
    const blocks: { cid: CID; bytes: Uint8Array }[] = [];
    const presences: { cid: CID; has: boolean }[] = [];
    let length = 0;
    for (const [key, want] of this.#wants) {
      const { bytes, has } = await this.#find(want);
      // It may have been cancelled, or another want have come in its place.
      if (this.#wants.get(key) === want) {
        this.#wants.delete(key);
        if (bytes !== undefined) {
          blocks.push({ cid: want.cid, bytes });
          length += bytes.length;
        } else if (has || want.sendDontHave) {
          presences.push({ cid: want.cid, has });
        }
      } else if (bytes !== undefined) {
        giveBack(bytes);
      }
      if (length >= ANSWER_BYTES || presences.length >= ANSWER_PRESENCES) break;
    }
    if (blocks.length + presences.length > 0) await this.#init.send(encodeAnswer({ blocks, presences }));
  }

  async #find({ cid, have }: WantEntry): Promise<{ bytes?: Uint8Array; has: boolean }> {
    const { read, sizeOf } = this.#init;
    try {
      if (have && (await sizeOf(cid) ?? 0) > BLOCK_INSTEAD_OF_HAVE_BYTES) return { has: true };
      const bytes = await read(cid);
      return bytes === undefined ? { has: false } : { bytes, has: true };
    } catch {
      // It cannot be had from this machine now.
      return { has: false };
    }
  }
}
