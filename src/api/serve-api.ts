import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import type { RunningNode } from '../node/index.ts';
import { anySignal, isError, messageOf, parseCid, replay } from '../protocol/index.ts';
import { ApiError } from './errors.ts';
import { BYTES_TYPE, longAnswer, type LongAnswer } from './long-answer.ts';
import { pageKeyOf, servePage } from './page/serve-page.ts';
import { NodeViewer } from './page/view-node.ts';

/** Largest JSON of a request, bytes: it names files, ten thousand at most. */
const MAX_BODY_BYTES = 1024 * 1024;

/** Longest reading of data for its root, ms: a terabyte from a slow disk. */
const ROOT_TIMEOUT_MS = 4 * 3_600_000;

/** `page` is the link by which the operator opens the node's page. */
export interface ServedApi { url: string; token: string; page: string; stop(): Promise<void> }

type Route = (match: RegExpMatchArray, body: () => Promise<unknown>, call: Call) => Promise<unknown>;

/** One request: `bytes` is its body where that is not JSON. */
interface Call extends Pick<LongAnswer, 'signal' | 'onProgress'> { query: URLSearchParams; bytes: AsyncIterable<Uint8Array> | undefined }

/**
 * Serves a node's HTTP API for its operator: JSON on loopback, behind a bearer token kept in `tokenPath` (0600), for whoever may add
 * data may have the node, which is root, publish any file. Requests that a web page could have made are refused. A page to look at is at `/`.
 */
export async function serveApi(running: RunningNode, { port, tokenPath }: { port: number; tokenPath: string }): Promise<ServedApi> {
  const { node, storage, host, possessions, diary } = running;
  const token = await loadOrCreateToken(tokenPath);
  const pageKey = pageKeyOf(token);
  const viewer = new NodeViewer(running);
  const stopping = new AbortController();
  const routes: [string, RegExp, Route][] = [
    ['GET', /^\/v1\/status$/, async () => ({
      ...running.status(), peer: host.peerId.toString(), addrs: host.getMultiaddrs().map(String), jobs: node.records.size,
    })],
    ['GET', /^\/v1\/diary$/, async () => diary.lines],
    ['GET', /^\/v1\/jobs$/, async () => [...node.records.values()].map(({ jobId, finished, failure, attempts, outcome, events }) => ({
      jobId, state: replay(events)?.state, finished, failure, attempts, resultCid: outcome?.resultCid, receipts: outcome?.receipts,
    }))],
    ['POST', /^\/v1\/data$/, async (_match, body, { signal, onProgress }) => {
      const { path, noCopy } = (await body()) as { path?: unknown; noCopy?: unknown };
      if (typeof path !== 'string') throw new ApiError('BAD_REQUEST', 'the body must be {"path": "/absolute/path"}');
      const { cid, ...added } = await storage.add(path, { noCopy: noCopy === true, signal, onProgress });
      possessions.prepare(cid.toString(), stopping.signal);
      return { cid: cid.toString(), ...added };
    }],
    ['POST', /^\/v1\/data\/file$/, async (_match, _body, { query, bytes, signal, onProgress }) => {
      if (bytes === undefined) throw new ApiError('BAD_REQUEST', `the body must be the file, as ${BYTES_TYPE}`);
      const name = query.get('name');
      const { cid, ...added } = await storage.addBytes(bytes, { signal, onProgress, ...(name !== null && { name }) });
      possessions.prepare(cid.toString(), stopping.signal);
      return { cid: cid.toString(), ...added };
    }],
    ['POST', /^\/v1\/data\/cars$/, async (_match, body, { bytes, signal, onProgress }) => {
      const paths = bytes === undefined ? ((await body()) as { paths?: unknown }).paths : [];
      if (!Array.isArray(paths) || !paths.every((path) => typeof path === 'string')) throw new ApiError('BAD_REQUEST', `the body must be {"paths": ["/absolute/path"]}, or a CAR as ${BYTES_TYPE}`);
      const { roots, ...imported } = await storage.importCars(bytes === undefined ? paths : [bytes], { signal, onProgress });
      for (const { cid } of roots) possessions.prepare(cid.toString(), stopping.signal);
      return { roots: roots.map((root) => ({ ...root, cid: root.cid.toString() })), ...imported };
    }],
    ['GET', /^\/v1\/data\/([A-Za-z0-9]+)\/root$/, async ([, cid], _body, { signal }) => {
      if ((await storage.locality(parseCid(cid!), { signal })).share < 1) throw new ApiError('NOT_FOUND', 'this is not wholly on this node', { details: cid! });
      return possessions.rootOf([parseCid(cid!).toString()], anySignal(signal, AbortSignal.timeout(ROOT_TIMEOUT_MS)));
    }],
    ['GET', /^\/v1\/data$/, async () => ({ held: await storage.holdings(), problems: await storage.problems() })],
    ['POST', /^\/v1\/data\/collect$/, (_match, _body, { signal, onProgress }) => storage.collect({ signal, onProgress })],
    ['DELETE', /^\/v1\/data\/([A-Za-z0-9]+)$/, async ([, cid]) => {
      await storage.remove(parseCid(cid!));
      return {};
    }],
    ['GET', /^\/v1\/pieces\/([a-z0-9]+)$/, ([, cid]) => storage.piece(parseCid(cid!))],
    ['GET', /^\/v1\/data\/([A-Za-z0-9]+)\/locate$/, ([, cid], _body, { signal }) => storage.locate(parseCid(cid!), { signal })],
    ['POST', /^\/v1\/data\/([A-Za-z0-9]+)\/fetch$/, async ([, cid], body, options) => {
      const { keep } = (await body()) as { keep?: unknown };
      return storage.fetch(parseCid(cid!), { ...options, keep: keep === true });
    }],
  ];

  const server = createServer(async (incoming, outgoing) => {
    const answer = longAnswer(incoming, outgoing);
    try {
      requireOwnHost(incoming);
      if (await servePage(viewer, pageKey, incoming, outgoing, stopping.signal)) return;
      authorise(incoming, token);
      const { pathname, searchParams: query } = new URL(incoming.url ?? '/', 'http://localhost');
      // Whoever has read enough leaves the connection as it is: the answer goes by it.
      const bytes = incoming.headers['content-type'] === BYTES_TYPE ? incoming.iterator({ destroyOnReturn: false }) : undefined;
      const call = { signal: answer.signal, onProgress: answer.onProgress, query, bytes };
      for (const [method, pattern, route] of routes) {
        const match = pathname.match(pattern);
        if (match !== null && incoming.method === method) return answer.end(200, await route(match, () => readJson(incoming), call));
      }
      throw new ApiError('NOT_FOUND', 'no such resource', { details: `${incoming.method} ${pathname}` });
    } catch (error) {
      const status = isError(error, 'UNAUTHORISED') ? 401 : isError(error, 'NOT_FOUND') ? 404 : isError(error) ? 400 : 500;
      answer.end(status, { error: isError(error) ? error : { code: 'INTERNAL', message: messageOf(error) } });
    }
  });
  // What is piped in may take hours.
  server.requestTimeout = 0;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url, token, page: `${url}/?key=${pageKey}`,
    async stop() {
      stopping.abort(new Error('the API is stopping'));
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A page of another site, or one whose name was made to mean this machine, is not the operator. */
function requireOwnHost(incoming: IncomingMessage): void {
  const { origin, host = '', 'sec-fetch-site': from = 'none' } = incoming.headers;
  const strange = origin !== undefined || !/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host) || !['none', 'same-origin'].includes(String(from));
  if (strange) throw new ApiError('UNAUTHORISED', 'other sites have nothing to ask here');
}

function authorise(incoming: IncomingMessage, token: string): void {
  const given = Buffer.from(incoming.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw new ApiError('UNAUTHORISED', 'the API needs its token', { hint: 'the token is in the node\'s folder, in api-token' });
  }
}

async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY_BYTES) throw new ApiError('BAD_REQUEST', 'the request body is too large');
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString() || '{}');
  } catch (cause) {
    throw new ApiError('BAD_REQUEST', 'the request body is not JSON', { cause });
  }
}

async function loadOrCreateToken(path: string): Promise<string> {
  const known = await readFile(path, 'utf8').catch(() => undefined);
  if (known !== undefined) return known.trim();
  const token = randomBytes(24).toString('base64url');
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, `${token}\n`, { mode: 0o600 });
  return token;
}
