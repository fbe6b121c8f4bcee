import { decode as decodeCbor, type TagDecodeControl } from 'cborg';
import { CID } from 'multiformats/cid';
import { messageOf } from '../../protocol/base/errors.ts';
import { StorageError } from '../errors.ts';

const DAG_CBOR = 0x71;
const DAG_JSON = 0x0129;
const LINK_TAG = 42;

/** Whether a path may go through a block of this codec: maps and lists, with links in them. */
export function isDocument({ code }: CID): boolean {
  return code === DAG_CBOR || code === DAG_JSON;
}

/**
 * Follows a path into a document, as far as its first link.
 *
 * @returns the link, and what of the path is behind it; the document itself and nothing when the path ends within it; undefined when there is nothing of that name
 * @throws StorageError DAG_INVALID
 */
export function walkDocument(cid: CID, bytes: Uint8Array, path: readonly string[]): { end: CID; rest: readonly string[] } | undefined {
  let at = decode(cid, bytes);
  for (const [i, name] of path.entries()) {
    if (at instanceof Map) at = at.get(name);
    else if (Array.isArray(at) && /^(0|[1-9]\d{0,8})$/.test(name)) at = at[Number(name)];
    else return undefined;
    if (at === undefined) return undefined;
    if (at instanceof CID) return { end: at, rest: path.slice(i + 1) };
  }
  return { end: cid, rest: [] };
}

function decode(cid: CID, bytes: Uint8Array): unknown {
  try {
    if (cid.code === DAG_JSON) return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), (_key, value: unknown) => linkOrMap(value)) as unknown;
    return decodeCbor(bytes, { useMaps: true, allowIndefinite: false, tags: { [LINK_TAG]: linkOf } });
  } catch (cause) {
    throw new StorageError('DAG_INVALID', 'the document is malformed', { details: `${cid}: ${messageOf(cause)}`, cause });
  }
}

/** Of DAG-CBOR: the binary CID behind a zero byte. */
function linkOf(content: TagDecodeControl): CID {
  const bytes: unknown = content();
  if (!(bytes instanceof Uint8Array) || bytes[0] !== 0) throw new Error('a link that is none');
  return CID.decode(bytes.subarray(1));
}

/** Of DAG-JSON: a map whose only key is `/`, with a text, is a link. */
function linkOrMap(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof CID || value instanceof Map) return value;
  const entries = Object.entries(value);
  const [[key, only] = []] = entries;
  return entries.length === 1 && key === '/' && typeof only === 'string' ? CID.parse(only) : new Map(entries);
}
