import type { CID } from 'multiformats/cid';
import { StorageError } from '../errors.ts';
import { giveBack } from '../stream/buffers.ts';
import type { ByteQueue } from '../stream/byte-queue.ts';
import { MAX_BLOCK_FIELD_BYTES, MAX_MESSAGE_BYTES, MAX_MESSAGE_PARTS, MAX_WANTED_CID_BYTES, MAX_WANTLIST_BYTES, MESSAGE_TIMEOUT_MS } from './constants.ts';
import { broken, decodePrefix, decodePresence, decodeWantlist, FIELD, type WantEntry } from './messages.ts';

/** Where the parts of a message go, each as soon as it is there. */
export interface MessageSink {
  wants(entries: readonly WantEntry[], full: boolean): void;
  presence(cid: CID, has: boolean): void;
  /** A block is about to come: resolves, when there is room for it, to what ends its coming; to undefined when it is of no use and is passed over. */
  coming(): Promise<(() => void) | undefined>;
  /** A block that came, and the function of its hash; its memory is the sink's. */
  block(hashCode: number, bytes: Uint8Array): void;
  /** Bytes that were passed over. @throws StorageError PROTOCOL_BROKEN when it is enough */
  passed(bytes: number): void;
}

/** The longest name, length and CID of a presence; others leave no room for more either. */
const MAX_PRESENCE_BYTES = MAX_WANTED_CID_BYTES + 16;
const MAX_PREFIX_BYTES = 40;

/**
 * Takes messages from a stream until it ends, without ever holding a whole one: a block is read into its own memory, and what nobody wants is passed
 * over as it comes. Between messages a peer may be silent for as long as it likes.
 *
 * @param late called when a message takes longer than it may
 * @throws StorageError PROTOCOL_BROKEN, BLOCK_TOO_LARGE for what no honest peer sends; STREAM_CUT, the signal's reason
 */
export async function readMessages(queue: ByteQueue, sink: MessageSink, late: (error: StorageError) => void, { timeoutMs = MESSAGE_TIMEOUT_MS } = {}): Promise<void> {
  const stalled = () => late(new StorageError('STALLED', 'a message took too long', { details: `more than ${timeoutMs} ms` }));
  for (;;) {
    const length = await number(queue);
    if (length === undefined) return;
    if (length > MAX_MESSAGE_BYTES) throw broken(`a message of ${length} bytes, at most ${MAX_MESSAGE_BYTES}`);
    const timer = setTimeout(stalled, timeoutMs);
    try {
      await readMessage(new Part(queue, length), sink, () => timer.refresh());
    } finally {
      clearTimeout(timer);
    }
  }
}

async function readMessage(message: Part, sink: MessageSink, waited: () => void): Promise<void> {
  for (let parts = 0; message.left > 0; parts++) {
    if (parts >= MAX_MESSAGE_PARTS) throw broken(`a message of more than ${MAX_MESSAGE_PARTS} parts`);
    const name = await message.number();
    const value = await message.number();
    // A number of its own: bytes to come, which nobody here asks for; or of a later version.
    if ((name & 7) === 0) continue;
    if ((name & 7) !== 2) throw broken(`a field of wire type ${name & 7}`);
    const part = message.part(value);
    if (name === FIELD.wantlist) {
      const list = await part.take(Math.min(value, MAX_WANTLIST_BYTES));
      const { entries, full } = decodeWantlist(list);
      giveBack(list);
      sink.wants(entries, full && part.left === 0);
    } else if (name === FIELD.presence) {
      if (value > MAX_PRESENCE_BYTES) throw broken(`a presence of ${value} bytes`);
      const { cid, has } = decodePresence(await part.take(value));
      sink.presence(cid, has);
    } else if (name === FIELD.payload) {
      if (value > MAX_BLOCK_FIELD_BYTES) throw new StorageError('BLOCK_TOO_LARGE', 'the peer sends a block that is too large', { details: `${value} bytes with its envelope` });
      const over = await sink.coming();
      if (over !== undefined) {
        waited();
        try {
          await readBlock(part, sink);
        } finally {
          over();
        }
      }
    }
    const useless = part.left;
    if (useless > 0) {
      await part.pass();
      sink.passed(useless);
    }
  }
}

async function readBlock(block: Part, sink: MessageSink): Promise<void> {
  let hashCode: number | undefined;
  let bytes: Uint8Array | undefined;
  while (block.left > 0) {
    const name = await block.number();
    const value = await block.number();
    if ((name & 7) === 0) continue;
    const part = block.part(value);
    if (name === FIELD.prefix && value <= MAX_PREFIX_BYTES) hashCode = decodePrefix(await part.take(value));
    else if (name === FIELD.data && bytes === undefined) bytes = await part.take(value);
    else throw broken('a block with more than a prefix and its bytes');
  }
  if (hashCode === undefined) throw broken('a block without a prefix');
  sink.block(hashCode, bytes ?? new Uint8Array());
}

/** So many bytes of a queue. */
class Part {
  left: number;
  readonly #queue: ByteQueue;

  constructor(queue: ByteQueue, length: number) {
    this.#queue = queue;
    this.left = length;
  }

  /** The next so many of them, which are not counted here any more. @throws StorageError PROTOCOL_BROKEN when there are not so many */
  part(length: number): Part {
    this.#count(length);
    return new Part(this.#queue, length);
  }

  async take(length: number): Promise<Uint8Array> {
    this.#count(length);
    return await this.#queue.take(length) ?? cut();
  }

  async number(): Promise<number> {
    const value = await number(this.#queue, (bytes) => this.#count(bytes));
    return value ?? cut();
  }

  async pass(): Promise<void> {
    await this.#queue.pass(this.left);
    this.left = 0;
  }

  #count(bytes: number): void {
    this.left -= bytes;
    if (this.left < 0) throw broken('a part that is longer than the whole');
  }
}

/** A number of protobuf, of which only those up to 2^53 are told apart; undefined when the stream ended before it. */
async function number(queue: ByteQueue, count: (bytes: number) => void = () => {}): Promise<number | undefined> {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = await queue.byte();
    if (byte === undefined) return i === 0 ? undefined : cut();
    count(1);
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return value;
  }
  throw broken('a number without end');
}

function cut(): never {
  throw new StorageError('STREAM_CUT', 'the stream was cut off', { details: 'within a message' });
}
