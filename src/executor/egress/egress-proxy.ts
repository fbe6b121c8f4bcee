import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, ListenOptions, Server as NetServer, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { anySignal, formatEndpoint, parseEndpoint, type Endpoint, type NetworkUse } from '../../protocol/index.ts';
import { HEAD_TIMEOUT_MS, IDLE_TIMEOUT_MS, MAX_HEAD_BYTES, MAX_REQUESTS_AHEAD } from './constants.ts';
import { dial, type DialFailure } from './dial.ts';
import { createMeter, type Meter } from './meter.ts';
import { sharedLookups } from './shared-lookups.ts';
import type { NetworkRules } from './network-rules.ts';

/** One job's way to the network. */
export interface EgressProxy {
  /** Takes connections: from a listener that was opened elsewhere, or one of its own. */
  listen(target: NetServer | ListenOptions): Promise<AddressInfo | null>;
  /** Takes a connection that came another way. */
  accept(connection: Connection): void;
  /** What was allowed and used so far. */
  use(): NetworkUse;
  /** Ends every connection and stops listening. */
  stop(): Promise<void>;
}

/** What the proxy needs of a connection: a socket's. */
export type Connection = Duplex & { setTimeout(ms: number, onTimeout: () => void): unknown };

/** Headers that are for the next hop alone (RFC 9110, 7.6.1). */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/**
 * An HTTP proxy (CONNECT, and plain HTTP by absolute URI) that connects to the places of `allow` and to nothing else. Names are resolved
 * here, their addresses checked (see `dial`), connections and bytes limited and counted. A connection of the job has one to the outside at a time, for no longer than it
 * is there itself: so the limit on the one is the limit on the other.
 */
export function createEgressProxy({ allow, rules }: { allow: readonly Endpoint[]; rules: NetworkRules }): EgressProxy {
  const allowed = allow.map(formatEndpoint);
  const stopping = new AbortController();
  const clients = new Set<Connection>();
  const dialRules = { ...rules, resolve: sharedLookups(rules.resolve) };
  /** Requests of a connection that are not answered yet, and the last one's end. */
  const lines = new WeakMap<Duplex, { waiting: number; last: Promise<unknown> }>();
  const meter = createMeter(allowed, rules.maxBytes, () => { for (const socket of clients) socket.destroy(); });
  let refused = 0;

  /** A connection to a place for as long as the job's own lasts, or what to tell the job instead. */
  const reach = async (text: string, client: Duplex): Promise<Reached> => {
    let endpoint: Endpoint;
    try {
      endpoint = parseEndpoint(text);
    } catch {
      return { status: 400, reason: 'not a host and a port' };
    }
    const name = formatEndpoint(endpoint);
    if (!allowed.includes(name)) return { status: 403, reason: `${name} is not among what this job may reach` };
    if (meter.exhausted) return { status: 403, reason: `the job has used its ${rules.maxBytes} bytes` };
    const gone = new AbortController();
    const onGone = () => gone.abort();
    client.once('close', onGone);
    if (client.destroyed) gone.abort();
    const dialled: Socket | DialFailure = await dial(endpoint, dialRules, anySignal(stopping.signal, gone.signal)).finally(() => client.off('close', onGone));
    if ('outcome' in dialled) return { status: dialled.outcome === 'refused' ? 403 : 502, reason: `${name}: ${dialled.reason}` };
    dialled.on('error', () => dialled.destroy());
    dialled.setTimeout(IDLE_TIMEOUT_MS, () => dialled.destroy());
    meter.watch(name, dialled);
    return { socket: dialled, endpoint: name };
  };
  const refuse = (status: number) => { if (status === 403 || status === 400 || status === 501) refused++; };

  const server: Server = createServer({ maxHeaderSize: MAX_HEAD_BYTES, headersTimeout: HEAD_TIMEOUT_MS, requestTimeout: 0, keepAliveTimeout: HEAD_TIMEOUT_MS });
  server.on('connection', (socket: Connection) => {
    if (clients.size >= rules.maxConnections || stopping.signal.aborted) {
      refused++;
      socket.destroy();
      return;
    }
    clients.add(socket);
    socket.on('error', () => socket.destroy());
    socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy());
    socket.once('close', () => clients.delete(socket));
  });
  server.on('connect', (incoming: IncomingMessage, client: Duplex, head: Buffer) => {
    const refuseTunnel = (status: number, reason: string) => {
      refuse(status);
      turnAway(client, status, reason);
    };
    if ((lines.get(client)?.waiting ?? 0) > 0) {
      refuse(400);
      return void client.destroy();
    }
    reach(incoming.url ?? '', client).then((reached) => {
      if ('status' in reached) return refuseTunnel(reached.status, reached.reason);
      if (client.destroyed) return void reached.socket.destroy();
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      tunnel(client, reached.socket, head, meter);
    }, () => client.destroy());
  });
  server.on('request', (incoming, response) => {
    const client = incoming.socket;
    if (client.destroyed) return;
    const line = lines.get(client) ?? { waiting: 0, last: Promise.resolve() };
    lines.set(client, line);
    if (line.waiting > MAX_REQUESTS_AHEAD) {
      refuse(400);
      return void client.destroy();
    }
    line.waiting++;
    const answered = new Promise((resolve) => { response.once('close', resolve); });
    line.last = line.last.then(() => (response.destroyed ? undefined : forward(incoming, response, reach, meter, refuse).catch(() => { response.destroy(); })))
      .then(() => answered).finally(() => { line.waiting--; });
  });
  server.on('upgrade', (_incoming, client: Duplex) => {
    refuse(501);
    turnAway(client, 501, 'use CONNECT for other protocols');
  });
  server.on('clientError', (_error, client: Duplex) => {
    refuse(400);
    turnAway(client, 400, 'not an HTTP request');
  });

  return {
    listen: (target) => new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(target, () => {
        server.off('error', reject);
        resolve(server.address() as AddressInfo | null);
      });
    }),
    accept: (connection) => { server.emit('connection', connection); },
    use: () => ({ allowed, used: meter.used(), refused }),
    async stop() {
      stopping.abort();
      const closed = new Promise<void>((resolve) => { server.close(() => resolve()); });
      for (const socket of clients) socket.destroy();
      meter.close();
      await closed;
    },
  };
}

type Reached = { socket: Socket; endpoint: string } | { status: number; reason: string };

/** Says why not, and hangs up without waiting for the other side to do so. */
function turnAway(client: Duplex, status: number, reason: string): void {
  if (!client.writable) return void client.destroy();
  client.end(`HTTP/1.1 ${status} ${reasonPhrase(status)}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\ngadus: ${reason}\n`, () => client.destroy());
}

/** Joins two sockets until either closes; half a connection may end before the other half. */
function tunnel(client: Duplex, upstream: Socket, head: Buffer, meter: Meter): void {
  client.on('error', () => client.destroy());
  client.once('close', () => upstream.destroy());
  upstream.once('close', () => client.destroy());
  for (const side of [client, upstream]) side.on('data', meter.check);
  if (head.length > 0) upstream.write(head);
  client.pipe(upstream);
  upstream.pipe(client);
}

/** One request in absolute form, passed on over a connection of its own. */
async function forward(
  incoming: IncomingMessage, response: ServerResponse, reach: (text: string, client: Duplex) => Promise<Reached>, meter: Meter, refuse: (status: number) => void,
): Promise<void> {
  const answer = (status: number, reason: string) => {
    refuse(status);
    response.writeHead(status, { 'Content-Type': 'text/plain', Connection: 'close' }).end(`gadus: ${reason}\n`);
  };
  const url = URL.canParse(incoming.url ?? '') ? new URL(incoming.url!) : undefined;
  if (url?.protocol !== 'http:' || url.username !== '' || url.password !== '') return answer(400, 'not a request to a proxy: an absolute http: URL, or CONNECT');
  const reached = await reach(`${url.hostname}:${url.port || 80}`, incoming.socket);
  if ('status' in reached) return answer(reached.status, reached.reason);
  if (response.destroyed) return void reached.socket.destroy();
  const named = new Set([...HOP_BY_HOP, ...(incoming.headers.connection ?? '').toLowerCase().split(',').map((name) => name.trim())]);
  const kept = (headers: IncomingMessage['headers']) => Object.fromEntries(Object.entries(headers).filter(([name]) => !named.has(name)));
  // Without agent: any agent, a false one too, would make a connection of its own, unchecked.
  const outgoing = httpRequest({
    method: incoming.method, path: url.pathname + url.search, createConnection: () => reached.socket, maxHeaderSize: MAX_HEAD_BYTES,
    // The place is the URL's, whatever the request says beside it.
    headers: { ...kept(incoming.headers), host: url.host, connection: 'close' }, setHost: false,
  });
  const end = () => {
    outgoing.destroy();
    reached.socket.destroy();
  };
  response.once('close', end);
  outgoing.on('upgrade', () => {
    end();
    answer(502, 'another protocol, which nobody asked for');
  });
  outgoing.on('error', () => {
    if (response.headersSent) response.destroy();
    else answer(502, 'the other end broke off');
  });
  outgoing.on('response', (result) => {
    try {
      response.writeHead(result.statusCode ?? 502, kept(result.headers));
    } catch {
      // A status that is none: whoever answers may be the job's own accomplice.
      end();
      return answer(502, 'no HTTP answer');
    }
    result.on('data', meter.check);
    result.on('error', () => response.destroy());
    result.pipe(response);
  });
  incoming.on('data', meter.check);
  incoming.pipe(outgoing);
}

function reasonPhrase(status: number): string {
  return { 400: 'Bad Request', 403: 'Forbidden', 501: 'Not Implemented', 502: 'Bad Gateway' }[status] ?? 'Error';
}
