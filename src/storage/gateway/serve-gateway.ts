import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import type { CID } from 'multiformats/cid';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { isError, messageOf } from '../../protocol/base/errors.ts';
import { carHeader, sectionHead } from '../car/write-car.ts';
import { StorageError } from '../errors.ts';
import { giveBack } from '../stream/buffers.ts';
import { isLeaf } from '../unixfs/links.ts';
import type { WalkInit } from '../stream/walk-dag.ts';
import { identityBlock } from '../blocks/verify.ts';
import { carBlocks, type ReadBlock } from './car-blocks.ts';
import { CAR_TYPE, IMMUTABLE, MAX_ADDRESSES, RAW_TYPE, RETRY_AFTER_S, SERVE_CONCURRENCY, SERVE_PER_ADDRESS, SERVE_PER_MINUTE, SERVE_STALL_MS } from './constants.ts';
import { HttpRefusal, parseGatewayRequest, type GatewayRequest } from './parse-request.ts';

export interface ServeGatewayInit {
  /** `host:port`; port 0 picks one. */
  listen: string;
  concurrency?: number;
  /** Requests of one address at a time. */
  perAddress?: number;
  /** Requests of one address in a minute. */
  perMinute?: number;
  stallMs?: number;
  onError?: (error: unknown, target: string) => void;
}

export interface GatewayComponents {
  read: ReadBlock;
  /** Many of them; undefined for one that is to be read by itself. */
  readMany?: WalkInit['readMany'];
  /** Whether a DAG may be asked for by its root: what is not allowed is as if it were not here. */
  allows: (root: CID) => Promise<boolean>;
  /** Whether a block is on the denylist. */
  isDenied?: (cid: CID) => boolean;
}

export interface ServedGateway { url: string; stop(): Promise<void> }

const ALWAYS = {
  'x-content-type-options': 'nosniff', 'access-control-allow-origin': '*', 'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-allow-headers': 'Accept, Cache-Control, If-None-Match, Range', 'access-control-expose-headers': 'Content-Length, Content-Range, X-Ipfs-Path, X-Ipfs-Roots',
};

/**
 * Serves the blocks of this machine as a trustless gateway: raw blocks and CARs, whole or in part. Nobody's request makes this node
 * look elsewhere.
 *
 * @throws StorageError SOURCE_INVALID for an address that is none; what listening throws
 */
export async function serveGateway({ read, readMany, allows, isDenied = () => false }: GatewayComponents, init: ServeGatewayInit): Promise<ServedGateway> {
  const { concurrency = SERVE_CONCURRENCY, perAddress = SERVE_PER_ADDRESS, perMinute = SERVE_PER_MINUTE, stallMs = SERVE_STALL_MS, onError = () => {} } = init;
  const { host, port } = parseListen(init.listen);
  const counts = new Map<string, { count: number; until: number }>();
  const readAllowed: ReadBlock = async (cid) => (isDenied(cid) ? undefined : read(cid));
  const many: Pick<WalkInit, 'readMany'> = readMany === undefined ? {} : { readMany: async (cids) => (await readMany(cids)).map((bytes, i) => (isDenied(cids[i]!) ? undefined : bytes)) };
  const running = new Map<string, number>();
  let active = 0;

  function countRequest(address: string): void {
    const now = performance.now();
    let entry = counts.get(address);
    if (entry === undefined || entry.until < now) {
      counts.delete(address);
      counts.set(address, entry = { count: 0, until: now + 60_000 });
      if (counts.size > MAX_ADDRESSES) counts.delete(counts.keys().next().value!);
    }
    if (++entry.count > perMinute) throw busy(Math.ceil((entry.until - now) / 1000));
  }

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse, signal: AbortSignal): Promise<void> {
    if (incoming.method === 'OPTIONS') return void outgoing.writeHead(204, ALWAYS).end();
    if (incoming.method !== 'GET' && incoming.method !== 'HEAD') throw new HttpRefusal(405, 'only GET and HEAD', { allow: 'GET, HEAD, OPTIONS' });
    const request = parseGatewayRequest(incoming.url ?? '/', incoming.headers);
    if (isDenied(request.cid)) throw new HttpRefusal(410, 'this is not served');
    const absent = () => new HttpRefusal(request.onlyIfCached ? 412 : 404, 'the block is not here');
    if (identityBlock(request.cid) === undefined && !await allows(request.cid)) throw absent();
    const headers = headersFor(request);
    // Weak comparison (RFC 9110, 13.1.2): caches on the way may have made the tag a weak one.
    if (incoming.headers['if-none-match']?.split(',').some((tag) => [opaque(request.etag), '*'].includes(opaque(tag.trim()))) === true) {
      return void outgoing.writeHead(304, headers).end();
    }
    const root = identityBlock(request.cid) ?? await readAllowed(request.cid);
    if (root === undefined) throw absent();
    if (request.format === 'raw') return answerRaw(incoming, outgoing, root, headers);
    const blocks = await carBlocks(request, readAllowed, { signal, ...many });
    outgoing.writeHead(200, headers);
    if (incoming.method === 'HEAD') return void outgoing.end();
    await write(outgoing, carHeader(request.cid), signal, stallMs);
    for await (const { cid, bytes } of blocks) {
      outgoing.write(sectionHead(cid, bytes.length));
      await write(outgoing, bytes, signal, stallMs, isLeaf(cid) ? () => giveBack(bytes) : undefined);
    }
    outgoing.end();
  }

  const server = createServer((incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once('close', () => gone.abort(new StorageError('STREAM_CUT', 'the client went away')));
    incoming.resume();
    const from = groupOf(incoming.socket.remoteAddress ?? '');
    const mine = (running.get(from) ?? 0) + 1;
    running.set(from, mine);
    active++;
    (async () => {
      try {
        if (active > concurrency || mine > perAddress) throw busy(RETRY_AFTER_S);
        countRequest(from);
        await answer(incoming, outgoing, gone.signal);
      } catch (error) {
        if (gone.signal.aborted) return;
        if (!(error instanceof HttpRefusal)) onError(error, incoming.url ?? '');
        refuse(incoming, outgoing, error);
      } finally {
        active--;
        const left = running.get(from)! - 1;
        if (left === 0) running.delete(from);
        else running.set(from, left);
      }
    })().catch(() => outgoing.destroy());
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => { server.close(resolve); });
    },
  };
}

const opaque = (tag: string) => tag.replace(/^W\//, '');

/** An address; of IPv6 the network of 64 bits, since whoever has one address there has all of them. */
function groupOf(address: string): string {
  if (isIP(address) !== 6 || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const all = tail === undefined ? before : [...before, ...Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0'), ...after];
  return `${all.slice(0, 4).join(':')}::/64`;
}

function headersFor({ cid, path, format, duplicates, etag, filename, contentLocation }: GatewayRequest): Record<string, string> {
  const name = filename ?? `${cid}.${format === 'raw' ? 'bin' : 'car'}`;
  const plain = name.replace(/[^\x20-\x7e]|["\\]/g, '_');
  return {
    ...ALWAYS, etag, vary: 'Accept', 'cache-control': IMMUTABLE,
    'content-type': format === 'raw' ? RAW_TYPE : `${CAR_TYPE}; version=1; order=dfs; dups=${duplicates ? 'y' : 'n'}`,
    'content-disposition': `attachment; filename="${plain}"${plain === name ? '' : `; filename*=UTF-8''${encodeURIComponent(name)}`}`,
    'x-ipfs-path': `/ipfs/${[cid, ...path.map(encodeURIComponent)].join('/')}`, 'x-ipfs-roots': cid.toString(),
    // A CAR is made as it is sent; ranges of files are asked for by entity-bytes.
    'accept-ranges': format === 'raw' ? 'bytes' : 'none',
    ...(contentLocation !== undefined && { 'content-location': contentLocation }),
  };
}

function answerRaw(incoming: IncomingMessage, outgoing: ServerResponse, block: Uint8Array, headers: Record<string, string>): void {
  const range = /^bytes=(\d*)-(\d*)$/.exec(incoming.headers.range ?? '');
  let bytes = block;
  let status = 200;
  const extra: Record<string, string> = {};
  if (range !== null && `${range[1]}${range[2]}` !== '') {
    const from = range[1] === '' ? Math.max(0, block.length - Number(range[2])) : Number(range[1]);
    const to = range[1] === '' || range[2] === '' ? block.length - 1 : Math.min(block.length - 1, Number(range[2]));
    if (from > to) throw new HttpRefusal(416, 'none of the range is in the block', { 'content-range': `bytes */${block.length}` });
    bytes = block.subarray(from, to + 1);
    status = 206;
    extra['content-range'] = `bytes ${from}-${to}/${block.length}`;
  }
  outgoing.writeHead(status, { ...headers, ...extra, 'content-length': bytes.length });
  outgoing.end(incoming.method === 'HEAD' ? undefined : bytes);
}

/** Says why, or cuts off an answer that has begun: a client must be able to tell that it is not whole. */
function refuse(incoming: IncomingMessage, outgoing: ServerResponse, error: unknown): void {
  if (outgoing.headersSent) return void setImmediate(() => outgoing.socket?.destroySoon());
  const refusal = error instanceof HttpRefusal ? error
    : isError(error, 'NOT_FOUND') ? new HttpRefusal(404, 'a block is not here')
      : isError(error, 'FORMAT_UNSUPPORTED') ? new HttpRefusal(501, 'this codec is not walked here')
        : isError(error, 'DAG_INVALID') ? new HttpRefusal(422, 'the data is malformed') : new HttpRefusal(500, 'an error of this gateway');
  const text = `${messageOf(refusal)}\n`;
  outgoing.writeHead(refusal.status, { ...ALWAYS, ...refusal.headers, 'cache-control': 'no-store', 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(text) });
  outgoing.end(incoming.method === 'HEAD' ? undefined : text);
}

async function write(outgoing: ServerResponse, bytes: Uint8Array, signal: AbortSignal, stallMs: number, onWritten?: () => void): Promise<void> {
  signal.throwIfAborted();
  if (outgoing.write(bytes, onWritten)) return;
  await once(outgoing, 'drain', { signal: anySignal(signal, AbortSignal.timeout(stallMs)) });
}

function busy(seconds: number): HttpRefusal {
  return new HttpRefusal(429, 'too many requests', { 'retry-after': String(seconds) });
}

function parseListen(listen: string): { host: string; port: number } {
  const match = /^(.+):(\d{1,5})$/.exec(listen);
  const host = match?.[1]?.replace(/^\[|\]$/g, '') ?? '';
  const port = Number(match?.[2]);
  if (match === null || port > 65_535 || (isIP(host) === 0 && host !== 'localhost')) {
    throw new StorageError('SOURCE_INVALID', 'the gateway listens at an address and a port', { details: listen, hint: 'for example 127.0.0.1:8080' });
  }
  return { host, port };
}
