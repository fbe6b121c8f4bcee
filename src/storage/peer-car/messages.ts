import { decode, encode } from 'cborg';
import { CID } from 'multiformats/cid';
import { isError, messageOf } from '../../protocol/base/errors.ts';
import { StorageError } from '../errors.ts';
import { MAX_REQUEST_BYTES, MAX_REQUEST_ROOTS } from './constants.ts';
import { KEY_BYTES, TICKET_BYTES, type DirectOffer } from './direct-door.ts';

/** What is asked of a peer. */
export interface CarRequest {
  roots: readonly CID[];
  /** The DAGs below the roots, the roots' own blocks alone, or nothing but whether the first of them is there. */
  scope: 'dag' | 'block' | 'ask';
  /** The answer may come by a connection of its own. */
  direct?: boolean;
}

/** The first byte of an answer; sections follow `HERE`, unless nothing but that was asked; an offer follows `DIRECT`, and the sections come by it. */
export const STATUS = { HERE: 1, ABSENT: 2, BUSY: 3, REFUSED: 4, DIRECT: 5 } as const;

const SCOPES: readonly CarRequest['scope'][] = ['dag', 'block', 'ask'];

/** CBOR `[scope, [CID bytes, …], direct]`. */
export function encodeRequest({ roots, scope, direct = false }: CarRequest): Uint8Array {
  return encode([SCOPES.indexOf(scope), roots.map(({ bytes }) => bytes), direct]);
}

/** Bytes of an offer: port (2, big-endian), ticket, key. */
export const OFFER_BYTES = 2 + TICKET_BYTES + KEY_BYTES;

export function encodeOffer({ port, ticket, key }: DirectOffer): Uint8Array {
  return Buffer.concat([Uint8Array.of(port >> 8, port & 0xff), ticket, key]);
}

/** @param bytes `OFFER_BYTES` of them */
export function decodeOffer(bytes: Uint8Array): DirectOffer {
  return { port: (bytes[0]! << 8) | bytes[1]!, ticket: bytes.slice(2, 2 + TICKET_BYTES), key: bytes.slice(2 + TICKET_BYTES, OFFER_BYTES) };
}

/** @throws StorageError SOURCE_INVALID */
export function decodeRequest(bytes: Uint8Array): CarRequest {
  try {
    if (bytes.length > MAX_REQUEST_BYTES) throw invalid(`${bytes.length} bytes`);
    const value: unknown = decode(bytes);
    if (!Array.isArray(value) || value.length < 2 || value.length > 3) throw invalid('not a scope and roots');
    const [scope, roots, direct] = value as [unknown, unknown, unknown];
    const named = typeof scope === 'number' ? SCOPES[scope] : undefined;
    if (named === undefined || !Array.isArray(roots)) throw invalid('not a scope and roots');
    if (roots.length === 0 || roots.length > MAX_REQUEST_ROOTS) throw invalid(`${roots.length} roots`);
    return { scope: named, direct: direct === true, roots: roots.map((root: unknown) => {
      if (root instanceof Uint8Array) return CID.decode(root);
      throw invalid('a root is not bytes');
    }) };
  } catch (cause) {
    if (isError(cause)) throw cause;
    throw invalid(messageOf(cause), cause);
  }
}

function invalid(details: string, cause?: unknown): StorageError {
  return new StorageError('SOURCE_INVALID', 'a malformed request', { details, cause });
}
