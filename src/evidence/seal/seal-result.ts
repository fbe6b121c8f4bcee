import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { messageOf } from '../../protocol/base/errors.ts';
import { parseCid } from '../../protocol/base/bytes.ts';
import type { Hex } from 'viem';
import { RESULT_SEAL_CHUNK_BYTES, RESULT_SEAL_INFO } from '../constants.ts';
import { EvidenceError } from '../errors.ts';
import { buffer, importPrivateKey, importPublicKey, sealSuite } from './seal-keys.ts';
import { sealContextBytes, type SealContext } from './seal.ts';

/** What an encrypted result is bound to: it does not open for another chain, contract, job or node, nor for another result. */
export interface ResultContext extends SealContext { resultCid: string }

const MAGIC = new TextEncoder().encode('gadus-result-v1\n');
const KEY_BYTES = 32;
const TAG_BYTES = 16;
/** An encapsulated X25519 key, and the file's key under it. */
const WRAPPED_BYTES = 32 + KEY_BYTES + TAG_BYTES;
/** Bytes before the first chunk. */
const HEADER_BYTES = MAGIC.length + WRAPPED_BYTES;
const SEALED_CHUNK_BYTES = RESULT_SEAL_CHUNK_BYTES + TAG_BYTES;

/**
 * Encrypts a result to a job's key, in a stream: a header, then chunks of 64 KiB, each AES-256-GCM under a key made for this file alone. A chunk's
 * nonce is its number and whether it is the last (STREAM: Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its
 * Nonce-Reuse Misuse-Resistance", CRYPTO 2015), so none can be left out, moved or added. The key is in the header, sealed by HPKE (RFC 9180).
 *
 * @throws EvidenceError SEAL_KEY_INVALID; ProtocolError CID_INVALID; what `plain` throws
 */
export async function* sealResult(plain: AsyncIterable<Uint8Array>, { sealKey, ...context }: ResultContext & { sealKey: Hex }): AsyncGenerator<Uint8Array> {
  const key = randomBytes(KEY_BYTES);
  const recipientPublicKey = await importPublicKey(sealKey);
  const { enc, ct } = await sealSuite.seal({ recipientPublicKey, info: info() }, buffer(key), aad(context));
  yield Buffer.concat([MAGIC, new Uint8Array(enc), new Uint8Array(ct)]);
  const secret = createSecretKey(key);
  for await (const { bytes, number, last } of numbered(plain, RESULT_SEAL_CHUNK_BYTES)) {
    const cipher = createCipheriv('aes-256-gcm', secret, nonce(number, last));
    const sealed = cipher.update(bytes);
    cipher.final();
    yield sealed;
    yield cipher.getAuthTag();
  }
}

/**
 * Decrypts what `sealResult` made; nothing comes out that was not authenticated. What comes before an error is a true beginning, not the whole.
 *
 * @throws EvidenceError SEAL_KEY_INVALID; RESULT_UNOPENED when it was sealed to another key, or for something else; RESULT_CUT when its end is
 * missing; RESULT_DAMAGED when a chunk was changed, moved, or cut within; ProtocolError CID_INVALID; what `sealed` throws
 */
export async function* openResult(sealed: AsyncIterable<Uint8Array>, { privateKey, ...context }: ResultContext & { privateKey: Hex }): AsyncGenerator<Uint8Array> {
  let key: KeyObject | undefined;
  for await (const { bytes, number, last } of numbered(sealed, SEALED_CHUNK_BYTES, HEADER_BYTES)) {
    if (key === undefined) {
      key = createSecretKey(await unwrap(bytes, privateKey, context));
      if (last) throw cut('nothing follows its header');
      continue;
    }
    // A last chunk without bytes is there only where there is no other.
    const plain = bytes.length > TAG_BYTES || (number === 0 && bytes.length === TAG_BYTES) ? open(key, number, last, bytes) : undefined;
    if (plain === undefined) {
      if (last && open(key, number, false, bytes) !== undefined) throw cut(`chunk ${number} is not its last`);
      throw new EvidenceError('RESULT_DAMAGED', 'the encrypted result is damaged', { details: `chunk ${number} was changed, cut, or belongs elsewhere` });
    }
    yield plain;
  }
}

/** Undefined when the chunk is not what was sealed at this place. */
function open(key: KeyObject, number: number, last: boolean, bytes: Uint8Array): Uint8Array | undefined {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce(number, last), { authTagLength: TAG_BYTES });
  const end = bytes.length - TAG_BYTES;
  if (end < 0) return undefined;
  decipher.setAuthTag(bytes.subarray(end));
  try {
    const plain = decipher.update(bytes.subarray(0, end));
    // Of GCM nothing is left to come: only the tag is checked.
    decipher.final();
    return plain;
  } catch {
    return undefined;
  }
}

async function unwrap(header: Uint8Array, privateKey: Hex, context: ResultContext): Promise<Uint8Array> {
  const recipientKey = await importPrivateKey(privateKey);
  const isOurs = Buffer.compare(header.subarray(0, MAGIC.length), MAGIC) === 0;
  if (header.length < HEADER_BYTES) throw cut(`${header.length} bytes, its header has ${HEADER_BYTES}`);
  if (!isOurs) throw unopened('it does not begin as one');
  const enc = buffer(header.subarray(MAGIC.length, MAGIC.length + 32));
  try {
    return new Uint8Array(await sealSuite.open({ recipientKey, enc, info: info() }, buffer(header.subarray(MAGIC.length + 32)), aad(context)));
  } catch (cause) {
    throw unopened(messageOf(cause), cause);
  }
}

/** 12 bytes: 5 of zero, the number (6, big-endian), 1 in the last chunk's. */
function nonce(number: number, last: boolean): Uint8Array {
  const bytes = Buffer.alloc(12);
  bytes.writeUIntBE(number, 5, 6);
  bytes[11] = last ? 1 : 0;
  return bytes;
}

/**
 * Pieces of so many bytes, the last one shorter; a single empty one of nothing. The head, if there is one, is number -1. A piece, and what came from
 * the source, is looked at no more once the next is asked for.
 */
async function* numbered(source: AsyncIterable<Uint8Array>, length: number, headLength?: number): AsyncGenerator<{ bytes: Uint8Array; number: number; last: boolean }> {
  let number = headLength === undefined ? 0 : -1;
  let wanted = headLength ?? length;
  /** What waits until it is known whether it is the last. */
  const held = Buffer.allocUnsafe(Math.max(wanted, length));
  let count = 0;
  for await (const chunk of source) {
    let at = 0;
    // One byte more than a piece: only then it is not the last.
    while (count + chunk.length - at > wanted) {
      let bytes: Uint8Array;
      if (count === 0) {
        bytes = chunk.subarray(at, at += wanted);
      } else {
        held.set(chunk.subarray(at, at += wanted - count), count);
        bytes = held.subarray(0, wanted);
      }
      count = 0;
      wanted = length;
      yield { bytes, number: number++, last: false };
    }
    held.set(chunk.subarray(at), count);
    count += chunk.length - at;
  }
  yield { bytes: held.subarray(0, count), number, last: true };
}

function info(): ArrayBuffer {
  return buffer(new TextEncoder().encode(RESULT_SEAL_INFO));
}

/** Associated data of the key: the context of evidence, then the bytes of the result's CID. */
function aad({ resultCid, ...context }: ResultContext): ArrayBuffer {
  return buffer(Buffer.concat([sealContextBytes(context), parseCid(resultCid).bytes]));
}

function cut(details: string): EvidenceError {
  return new EvidenceError('RESULT_CUT', 'the end of the encrypted result is missing', { details });
}

function unopened(details: string, cause?: unknown): EvidenceError {
  return new EvidenceError('RESULT_UNOPENED', 'the encrypted result does not open', {
    details, cause, hint: 'it was encrypted to another key, or for another job, node or result',
  });
}
