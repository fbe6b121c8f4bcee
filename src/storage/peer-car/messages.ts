import { decode, encode } from 'cborg';
import { CID } from 'multiformats/cid';
import { isError, messageOf } from '../../protocol/errors.ts';
import { StorageError } from '../errors.ts';
import { MAX_REQUEST_BYTES, MAX_REQUEST_ROOTS } from './constants.ts';

/** What is asked of a peer. */
export interface CarRequest {
  roots: readonly CID[];
  /** The DAGs below the roots, the roots' own blocks alone, or nothing but whether the first of them is there. */
  scope: 'dag' | 'block' | 'ask';
}

/** The first byte of an answer; sections follow `HERE`, unless nothing but that was asked. */
export const STATUS = { HERE: 1, ABSENT: 2, BUSY: 3, REFUSED: 4 } as const;

const SCOPES: readonly CarRequest['scope'][] = ['dag', 'block', 'ask'];

/** CBOR `[scope, [CID bytes, …]]`. */
export function encodeRequest({ roots, scope }: CarRequest): Uint8Array {
  return encode([SCOPES.indexOf(scope), roots.map(({ bytes }) => bytes)]);
}

/** @throws StorageError SOURCE_INVALID */
export function decodeRequest(bytes: Uint8Array): CarRequest {
  try {
    if (bytes.length > MAX_REQUEST_BYTES) throw invalid(`${bytes.length} bytes`);
    const value: unknown = decode(bytes);
    if (!Array.isArray(value) || value.length !== 2) throw invalid('not a pair');
    const [scope, roots] = value as [unknown, unknown];
    const named = typeof scope === 'number' ? SCOPES[scope] : undefined;
    if (named === undefined || !Array.isArray(roots)) throw invalid('not a scope and roots');
    if (roots.length === 0 || roots.length > MAX_REQUEST_ROOTS) throw invalid(`${roots.length} roots`);
    return { scope: named, roots: roots.map((root: unknown) => {
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
