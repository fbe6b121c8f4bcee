import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, request, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, test } from 'node:test';
import { duplexPair } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { createEgressProxy } from './egress-proxy.ts';
import type { NetworkRules } from './network-rules.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const close of closers.splice(0).reverse()) await close(); });

/** A server of the test, on this host: reached by the name `data.test`. */
async function webServer(answer: (incoming: IncomingMessage, body: string) => { status?: number; headers?: Record<string, string>; body: string }) {
  const server = createHttpServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (text) => { body += text; }).on('end', () => {
      const { status = 200, headers = {}, body: content } = answer(incoming, body);
      response.writeHead(status, headers).end(content);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => { server.closeAllConnections(); server.close(); await once(server, 'close'); });
  return (server.address() as AddressInfo).port;
}

async function echoServer() {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => { for (const socket of sockets) socket.destroy(); server.close(); await once(server, 'close'); });
  return { port: (server.address() as AddressInfo).port, sockets };
}

async function proxyFor(allow: { host: string; port: number }[], rules: Partial<NetworkRules> = {}) {
  const proxy = createEgressProxy({
    allow, rules: { allow: ['*'], maxBytes: 1e6, maxConnections: 8, resolve: async () => ['127.0.0.1'], mayReach: () => true, ...rules },
  });
  const address = await proxy.listen({ port: 0, host: '127.0.0.1' });
  closers.push(() => proxy.stop());
  return { proxy, port: address!.port };
}

async function get(proxyPort: number, url: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}) {
  const outgoing = request({ port: proxyPort, host: '127.0.0.1', path: url, method: options.method ?? 'GET', headers: options.headers ?? {}, agent: false });
  outgoing.end(options.body);
  const [response] = await once(outgoing, 'response') as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode, headers: response.headers, body };
}

/** A tunnel; resolves with the first line of the answer and the socket. */
async function tunnelTo(proxyPort: number, place: string) {
  const socket = connect({ port: proxyPort, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  closers.push(async () => socket.destroy());
  socket.write(`CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n\r\n`);
  let head = '';
  while (!head.includes('\r\n\r\n')) head += String((await once(socket, 'data'))[0]);
  return { socket, status: Number(/^HTTP\/1.1 (\d+)/.exec(head)?.[1]), head };
}

/** The other side has hung up. */
function ended(socket: Socket) {
  return new Promise((resolve) => { socket.resume().once('end', resolve).once('close', resolve); });
}

async function until(condition: () => boolean) {
  for (const end = Date.now() + 60_000; !condition();) {
    assert.ok(Date.now() < end, 'in time');
    await turn();
  }
}

test('plain HTTP goes through with method, path, headers and body, and is counted', async () => {
  const port = await webServer((incoming, body) => ({ status: 201, headers: { 'x-answer': 'yes' }, body: `${incoming.method} ${incoming.url} ${incoming.headers.host} ${incoming.headers['x-question']} ${body}` }));
  const { proxy, port: at } = await proxyFor([{ host: 'data.test', port }]);
  const answer = await get(at, `http://data.test:${port}/a/b?c=d`, { method: 'POST', body: 'content', headers: { 'X-Question': 'why', Host: 'elsewhere.test', 'Proxy-Authorization': 'secret', Connection: 'x-hop', 'X-Hop': '1' } });
  assert.deepEqual([answer.status, answer.headers['x-answer'], answer.body], [201, 'yes', `POST /a/b?c=d data.test:${port} why content`]);
  const { allowed, used, refused } = proxy.use();
  assert.deepEqual([allowed, used.length, used[0]!.endpoint, used[0]!.connections, refused], [[`data.test:${port}`], 1, `data.test:${port}`, 1, 0]);
  assert.ok(used[0]!.sentBytes > 'content'.length && used[0]!.receivedBytes > answer.body.length);
});

test('headers for the next hop stop here', async () => {
  const seen: IncomingMessage['headers'][] = [];
  const port = await webServer((incoming) => { seen.push(incoming.headers); return { headers: { 'proxy-authenticate': 'Basic', 'keep-alive': 'timeout=5' }, body: '' }; });
  const { port: at } = await proxyFor([{ host: 'data.test', port }]);
  const { headers } = await get(at, `http://data.test:${port}/`, { headers: { 'Proxy-Connection': 'close', TE: 'trailers', Connection: 'close, X-Own', 'X-Own': '1', Accept: '*/*' } });
  assert.deepEqual(Object.keys(seen[0]!).sort(), ['accept', 'connection', 'host']);
  assert.equal(headers['proxy-authenticate'], undefined);
});

test('tunnels carry bytes both ways, half-closed ones too, and their totals are exact', async () => {
  const { port, sockets } = await echoServer();
  const { proxy, port: at } = await proxyFor([{ host: 'data.test', port }]);
  const { socket, status } = await tunnelTo(at, `data.test:${port}`);
  assert.equal(status, 200);
  const content = Buffer.alloc(100_000, 'gadus');
  socket.end(content);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  assert.ok(content.equals(Buffer.concat(chunks)));
  await until(() => sockets.size === 0);
  assert.deepEqual(proxy.use().used, [{ endpoint: `data.test:${port}`, connections: 1, sentBytes: content.length, receivedBytes: content.length }]);
});

test('a place that is not allowed, in any spelling, is refused and nothing is looked up', async () => {
  const looked: string[] = [];
  const { proxy, port: at } = await proxyFor([{ host: 'data.test', port: 80 }], { resolve: async (host) => { looked.push(host); return ['127.0.0.1']; } });
  const places = ['data.test:81', 'other.test:80', 'xdata.test:80', '127.0.0.1:80', '[::1]:80', '169.254.169.254:80'];
  for (const place of places) {
    assert.equal((await tunnelTo(at, place)).status, 403, place);
    const { status, body } = await get(at, `http://${place}/`);
    assert.equal(status, 403);
    assert.match(body, /not among what this job may reach/);
  }
  const malformed = ['data.test', '127.1:80', ':80', 'data.test:80:80', '/'];
  for (const place of malformed) assert.equal((await tunnelTo(at, place)).status, 400, place);
  const urls = ['/', 'https://data.test/', 'ftp://data.test/', 'http://u:p@data.test/', 'file:///etc/passwd'];
  for (const url of urls) assert.equal((await get(at, url)).status, 400, url);
  assert.deepEqual(looked, []);
  assert.deepEqual(proxy.use(), { allowed: ['data.test:80'], used: [], refused: 2 * places.length + malformed.length + urls.length });
});

test('a name that leads to this host, its neighbours or a metadata service is refused, though one address of many does', async () => {
  const { port, sockets } = await echoServer();
  for (const addresses of [['127.0.0.1'], ['169.254.169.254'], ['::ffff:127.0.0.1'], ['fd00:ec2::254'], ['1.1.1.1', '10.0.0.1'], ['not an address'], ['fe80::1%lo']]) {
      const proxy = createEgressProxy({ allow: [{ host: 'evil.test', port }], rules: { allow: ['*'], maxBytes: 1e6, maxConnections: 8, resolve: async () => addresses } });
    closers.push(() => proxy.stop());
    const address = await proxy.listen({ port: 0, host: '127.0.0.1' });
    const { status, head } = await tunnelTo(address!.port, `evil.test:${port}`);
    assert.equal(status, 403, addresses.join());
    assert.doesNotMatch(head, /127\.0|169\.254|10\.0/);
    assert.deepEqual(proxy.use().used, []);
  }
  assert.equal(sockets.size, 0);
});

test('a name that changes its address after the check does not change the connection', async () => {
  const { port } = await echoServer();
  let asked = 0;
  const checked: string[] = [];
  const { port: at } = await proxyFor([{ host: 'rebound.test', port }], {
    // The first answer passes the check and is what is connected to; nobody asks again.
    resolve: async () => [asked++ === 0 ? '127.0.0.1' : '127.0.0.2'],
    mayReach: (address) => { checked.push(address); return true; },
  });
  const { socket } = await tunnelTo(at, `rebound.test:${port}`);
  socket.end('x');
  assert.equal(String((await once(socket, 'data'))[0]), 'x');
  assert.deepEqual([asked, checked], [1, ['127.0.0.1']]);
});

test('too many connections at once are closed, and there is room again afterwards', async () => {
  const { port, sockets } = await echoServer();
  const { proxy, port: at } = await proxyFor([{ host: 'data.test', port }], { maxConnections: 2 });
  const open = [await tunnelTo(at, `data.test:${port}`), await tunnelTo(at, `data.test:${port}`)];
  const third = connect({ port: at, host: '127.0.0.1' });
  third.on('error', () => undefined);
  await once(third, 'close');
  assert.equal(proxy.use().refused, 1);
  for (const { socket } of open) socket.destroy();
  await until(() => sockets.size === 0);
  assert.equal((await tunnelTo(at, `data.test:${port}`)).status, 200);
});

test('at the limit of bytes every connection ends, and there is no other', async () => {
  const { port, sockets } = await echoServer();
  const { proxy, port: at } = await proxyFor([{ host: 'data.test', port }], { maxBytes: 200_000 });
  const { socket } = await tunnelTo(at, `data.test:${port}`);
  socket.on('data', () => undefined);
  const closed = new Promise((resolve) => { socket.once('close', resolve); });
  socket.write(Buffer.alloc(2_000_000));
  await closed;
  await until(() => sockets.size === 0);
  const { status, head } = await tunnelTo(at, `data.test:${port}`);
  assert.equal(status, 403);
  assert.match(head, /200000 bytes/);
  const { sentBytes, receivedBytes } = proxy.use().used[0]!;
  assert.ok(sentBytes + receivedBytes > 200_000 && sentBytes + receivedBytes < 2_500_000, `${sentBytes} ${receivedBytes}`);
});

test('whoever leaves, nobody is left holding the other end', async () => {
  const { port, sockets } = await echoServer();
  const { proxy, port: at } = await proxyFor([{ host: 'data.test', port }]);
  const abandoned = await tunnelTo(at, `data.test:${port}`);
  await until(() => sockets.size === 1);
  abandoned.socket.resetAndDestroy();
  await until(() => sockets.size === 0);
  const dropped = await tunnelTo(at, `data.test:${port}`);
  await until(() => sockets.size === 1);
  const gone = ended(dropped.socket);
  for (const socket of sockets) socket.resetAndDestroy();
  await gone;
  const last = await tunnelTo(at, `data.test:${port}`);
  const over = ended(last.socket);
  await proxy.stop();
  await over;
  await until(() => sockets.size === 0);
});

test('a place that does not answer, or a name that is none, is a bad gateway', async () => {
  const { port: at } = await proxyFor([{ host: 'data.test', port: 1 }, { host: 'nowhere.test', port: 80 }], { resolve: async (host) => { if (host === 'nowhere.test') throw new Error('ENOTFOUND'); return ['127.0.0.1']; } });
  assert.equal((await tunnelTo(at, 'data.test:1')).status, 502);
  assert.equal((await get(at, 'http://nowhere.test/')).status, 502);
});

test('whatever the other end answers, the proxy and its process live on', async () => {
  const answers = [
    'HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nx', 'HTTP/1.1 103 Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    'nonsense\r\n\r\n', '', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 'HTTP/1.1 200 OK\r\nX-Bad\x00: 1\r\n\r\n', 'HTTP/1.1 999 High\r\nContent-Length: 0\r\n\r\n', '\x16\x03\x01', 'HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello',
  ];
  let answer = '';
  const server = createServer((socket) => { socket.on('error', () => undefined).once('data', () => socket.end(answer, 'latin1')); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => { server.close(); await once(server, 'close'); });
  const { port } = server.address() as AddressInfo;
  const { proxy, port: at } = await proxyFor([{ host: 'data.test', port }]);
  for (answer of answers) {
    const outcome = await get(at, `http://data.test:${port}/`).then(({ status }) => status, (error: Error) => error);
    assert.ok(outcome instanceof Error || [200, 204, 502, 999].includes(outcome!), `${JSON.stringify(answer.slice(0, 40))}: ${String(outcome)}`);
  }
  assert.equal(proxy.use().used[0]!.connections, answers.length);
});

test('whatever a job says to it, the proxy and its process live on', async () => {
  const port = await webServer(() => ({ body: 'ok' }));
  const { port: at } = await proxyFor([{ host: 'data.test', port }]);
  for (const words of [
    '\x00\x01\x02', 'GET', `GET http://data.test:${port}/ HTTP/9.9\r\n\r\n`, `CONNECT data.test:${port}\r\n\r\n`, `GET http://data.test:${port}/\x00 HTTP/1.1\r\nHost: x\r\n\r\n`, `POST http://data.test:${port}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `GET http://data.test:${port}/ HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, `GET http://data.test:${port}/ HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`, `GET http://data.test:${port}/ HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\nzz`,
    `GET http://data.test:${port}/ HTTP/1.1\r\nHost: x\r\nExpect: the impossible\r\n\r\n`, `\u0001 http://data.test:${port}/ HTTP/1.1\r\n\r\n`, 'GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n', `GET http://data.test:${port}/ HTTP/1.1\r\nHost: x\r\nConnection: host, content-length\r\nContent-Length: 3\r\n\r\nabc`,
  ]) {
    const socket = connect({ port: at, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    const over = ended(socket);
    socket.end(words, 'latin1');
    await over;
  }
  assert.equal((await get(at, `http://data.test:${port}/`)).body, 'ok');
});

/** A server that takes connections and says nothing; knows how many it had at once. */
async function silentServer() {
  const held = new Set<Socket>();
  const counts = { most: 0, all: 0 };
  const server = createServer((socket) => {
    held.add(socket);
    counts.all++;
    counts.most = Math.max(counts.most, held.size);
    socket.on('error', () => undefined).on('close', () => held.delete(socket)).resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => { for (const socket of held) socket.destroy(); server.close(); await once(server, 'close'); });
  return { port: (server.address() as AddressInfo).port, held, counts };
}

test('requests sent ahead on one connection are answered one after another', async () => {
  const port = await webServer((incoming, body) => ({ body: `${incoming.url} ${body};` }));
  const { port: at } = await proxyFor([{ host: 'data.test', port }], { maxConnections: 1 });
  const socket = connect({ port: at, host: '127.0.0.1' });
  closers.push(async () => socket.destroy());
  socket.write([1, 2, 3].map((i) => `POST http://data.test:${port}/${i} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n${i}`).join(''));
  let text = '';
  while (!text.includes('/3 3;')) text += String((await once(socket, 'data'))[0]);
  assert.deepEqual(text.match(/\/\d \d;/g), ['/1 1;', '/2 2;', '/3 3;']);
});

test('a job gets no more connections by requests sent ahead, nor by a tunnel behind them', async () => {
  const { port, held, counts } = await silentServer();
  const { proxy, port: at } = await proxyFor([{ host: 'data.test', port }], { maxConnections: 1 });
  for (const [behind, times] of [[`GET http://data.test:${port}/ HTTP/1.1\r\nHost: x\r\n\r\n`, 2000], [`CONNECT data.test:${port} HTTP/1.1\r\nHost: x\r\n\r\n`, 1]] as const) {
    const before = proxy.use().refused;
    const client = connect({ port: at, host: '127.0.0.1' });
    client.on('error', () => undefined);
    const over = ended(client);
    client.write(`GET http://data.test:${port}/ HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until(() => held.size === 1);
    client.write(behind.repeat(times));
    await over;
    await until(() => held.size === 0);
    assert.ok(proxy.use().refused > before);
  }
  assert.deepEqual(counts, { most: 1, all: 2 });
});

test('a connection that is given up while it is made is not made, and its name is looked up once', async () => {
  const { port, held, counts } = await silentServer();
  const names: ((addresses: string[]) => void)[] = [];
  const { proxy } = await proxyFor([{ host: 'data.test', port }], { resolve: () => new Promise((resolve) => { names.push(resolve); }) });
  // Twenty connections by another way than a socket, so that it is known when the proxy has seen each come and go.
  const connection = async () => {
    const [job, proxys] = duplexPair();
    job.on('error', () => undefined);
    proxy.accept(Object.assign(proxys, { setTimeout: () => undefined }));
    job.write(`CONNECT data.test:${port} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until(() => proxys.listenerCount('close') > 1 && proxys.readableLength === 0);
    for (let i = 0; i < 5; i++) await turn();
    return { job, proxys };
  };
  for (let i = 0; i < 20; i++) {
    (await connection()).proxys.destroy();
    await turn();
  }
  const { job } = await connection();
  assert.equal(names.length, 1);
  names[0]!(['127.0.0.1']);
  assert.match(String((await once(job, 'data'))[0]), / 200 /);
  await until(() => held.size === 1);
  assert.deepEqual(counts, { most: 1, all: 1 });
  job.destroy();
});
