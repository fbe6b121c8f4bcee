import type { IncomingHttpHeaders } from 'node:http';
import { createHash } from 'node:crypto';
import { CID } from 'multiformats/cid';
import { MAX_IDENTITY_BYTES } from '../constants.ts';
import { CAR_TYPE, MAX_PATH_BYTES, MAX_PATH_SEGMENTS, RAW_TYPE } from './constants.ts';

/** A request for verifiable data. */
export interface GatewayRequest {
  cid: CID;
  path: readonly string[];
  format: 'raw' | 'car';
  scope: 'all' | 'entity' | 'block';
  /** Inclusive; negative from the end; `to` undefined is the end. */
  entityBytes?: { from: number; to?: number };
  duplicates: boolean;
  onlyIfCached: boolean;
  filename?: string;
  etag: string;
  /** Where this very answer lies, for caches, when the URL alone does not say it. */
  contentLocation?: string;
}

/** A request that is answered without looking for anything. */
export class HttpRefusal extends Error {
  override readonly name = 'HttpRefusal';
  readonly status: number;
  readonly headers: Record<string, string>;
  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/**
 * Reads what a request asks for, by the trustless gateway specification (specs.ipfs.tech/http-gateways/trustless-gateway).
 *
 * @throws HttpRefusal 400, 404, 406, 414, 501
 */
export function parseGatewayRequest(target: string, headers: IncomingHttpHeaders): GatewayRequest {
  if (Buffer.byteLength(target) > MAX_PATH_BYTES) throw new HttpRefusal(414, 'the path is too long');
  if (!target.startsWith('/') || !URL.canParse(target, 'http://gateway')) throw new HttpRefusal(400, 'not a path');
  // Taken from the text, since URL would walk `..` away.
  const [rawPath = '', query = ''] = split(target, '?');
  const [, namespace, name = '', ...rest] = rawPath.split('/');
  if (namespace === 'ipns') throw new HttpRefusal(501, 'IPNS is not served here');
  if (namespace !== 'ipfs') throw new HttpRefusal(404, 'not a content path');
  const params = new URLSearchParams(query);
  const cid = parseCid(name);
  const path = parsePath(rest);
  const { format, options, byUrl, mixed } = negotiate(params, acceptable(headers.accept ?? ''));
  if (format === 'raw' && path.length > 0) throw new HttpRefusal(400, 'a block has no path');
  const version = params.get('car-version') ?? options.version ?? '1';
  if (format === 'car' && version !== '1') throw new HttpRefusal(byUrl ? 400 : 406, 'only CAR version 1 is served');
  // Whatever order is asked for, depth first is one of it.
  const order = params.get('car-order') ?? options.order ?? 'dfs';
  if (format === 'car' && order !== 'dfs' && order !== 'unk') throw new HttpRefusal(400, 'no such order of blocks');
  const dups = params.get('car-dups') ?? options.dups ?? 'n';
  if (format === 'car' && dups !== 'y' && dups !== 'n') throw new HttpRefusal(400, 'duplicates are y or n');
  const scope = params.get('dag-scope') ?? 'all';
  if (scope !== 'all' && scope !== 'entity' && scope !== 'block') throw new HttpRefusal(400, 'no such dag-scope');
  const entityBytes = format === 'car' ? parseEntityBytes(params.get('entity-bytes')) : undefined;
  const filename = params.get('filename');
  const shape = JSON.stringify([path, entityBytes === undefined ? scope : 'entity', entityBytes ?? null, dups]);
  return {
    cid, path, format, duplicates: dups === 'y', scope: entityBytes === undefined ? scope : 'entity', ...(entityBytes && { entityBytes }),
    onlyIfCached: /(^|,)\s*only-if-cached\s*(,|$)/i.test(headers['cache-control'] ?? ''),
    ...(filename !== null && filename !== '' && { filename }),
    etag: format === 'raw' ? `"${cid}.raw"` : `W/"${cid}.car.${scope}.${createHash('sha256').update(shape).digest('hex').slice(0, 16)}"`,
    ...(mixed && { contentLocation: locationOf(rawPath, params, format, options) }),
  };
}

/** A media type that is accepted, with its parameters, as `application/vnd.ipld.car; version=1; order=dfs`. */
interface Accepted { type: string; options: Record<string, string> }

/** What an `Accept` header names, the preferred first. */
function acceptable(header: string): Accepted[] {
  const parsed = header.split(',').map((one) => {
    const [type = '', ...parts] = one.split(';').map((part) => part.trim());
    const { q = '1', ...options } = Object.fromEntries(parts.map((part) => split(part.toLowerCase(), '=')));
    return { type: type.toLowerCase(), options, weight: Number(q) };
  });
  return parsed.filter(({ type, weight }) => type !== '' && weight > 0).sort((a, b) => b.weight - a.weight);
}

/** Whether a CAR can be made like this. */
function isServed({ version = '1', order = 'dfs', dups = 'n' }: Record<string, string>): boolean {
  return version === '1' && (order === 'dfs' || order === 'unk') && (dups === 'y' || dups === 'n');
}

/** Where the very answer lies that a request got by its headers. */
function locationOf(path: string, params: URLSearchParams, format: 'raw' | 'car', options: Record<string, string>): string {
  const full = new URLSearchParams(params);
  full.set('format', format);
  for (const name of ['version', 'order', 'dups']) if (options[name] !== undefined && !full.has(`car-${name}`)) full.set(`car-${name}`, options[name]);
  return `${path}?${full}`;
}

interface Negotiated {
  format: 'raw' | 'car';
  options: Record<string, string>;
  byUrl: boolean;
  /** The URL alone would be answered otherwise, or its headers say something else. */
  mixed: boolean;
}

function negotiate(params: URLSearchParams, accepted: readonly Accepted[]): Negotiated {
  const known = accepted.filter(({ type }) => type === RAW_TYPE || type === CAR_TYPE);
  const cars = known.filter(({ type }) => type === CAR_TYPE);
  const byUrl = params.get('format');
  if (byUrl === 'raw' || byUrl === 'car') {
    const options = byUrl === 'car' ? (cars.find((car) => isServed(car.options)) ?? cars[0])?.options ?? {} : {};
    return { format: byUrl, options, byUrl: true, mixed: Object.keys(options).length > 0 || (known.length > 0 && !known.some(({ type }) => type === (byUrl === 'raw' ? RAW_TYPE : CAR_TYPE))) };
  }
  if (byUrl !== null) throw new HttpRefusal(400, 'the format is raw or car');
  const first = known.find(({ type, options }) => type === RAW_TYPE || isServed(options)) ?? known[0];
  if (first !== undefined) return { format: first.type === RAW_TYPE ? 'raw' : 'car', options: first.options, byUrl: false, mixed: true };
  const anything = accepted.length === 0 || accepted.some(({ type }) => type === '*/*');
  throw new HttpRefusal(anything ? 400 : 406, `only verifiable data is served: say format=raw or format=car, or accept ${RAW_TYPE} or ${CAR_TYPE}`);
}

function parseCid(text: string): CID {
  let cid: CID;
  try {
    cid = CID.parse(text);
  } catch {
    throw new HttpRefusal(400, 'not a CID');
  }
  if (cid.multihash.code === 0 && cid.multihash.digest.length > MAX_IDENTITY_BYTES) throw new HttpRefusal(400, `an identity CID holds at most ${MAX_IDENTITY_BYTES} bytes`);
  return cid;
}

function parsePath(segments: readonly string[]): string[] {
  const named = segments.filter((segment) => segment !== '');
  if (named.length > MAX_PATH_SEGMENTS) throw new HttpRefusal(414, 'the path is too long');
  return named.map((segment) => {
    try {
      return decodeURIComponent(segment);
    } catch {
      throw new HttpRefusal(400, 'the path is not percent-encoded UTF-8');
    }
  });
}

function parseEntityBytes(text: string | null): { from: number; to?: number } | undefined {
  if (text === null) return undefined;
  const match = /^(-?\d{1,15}):(-?\d{1,15}|\*)$/.exec(text);
  if (match === null) throw new HttpRefusal(400, 'entity-bytes is from:to');
  const from = Number(match[1]);
  if (match[2] === '*') return { from };
  const to = Number(match[2]);
  if (from >= 0 === to >= 0 && from > to) throw new HttpRefusal(400, 'entity-bytes ends before it begins');
  return { from, to };
}

function split(text: string, at: string): [string, string] {
  const i = text.indexOf(at);
  return i === -1 ? [text, ''] : [text.slice(0, i), text.slice(i + 1)];
}
