import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { MAX_RPC_ANSWER_BYTES } from '../constants.ts';
import { httpFetch } from './http-fetch.ts';

async function serve(t: TestContext, listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/path?key=1` };
}
const asked = { body: '{"é":1}', headers: { 'Content-Type': 'application/json' }, method: 'POST' };

test('body, path and headers arrive; status, headers and text come back, packed or not', async (t) => {
  const { url } = await serve(t, async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const answer = JSON.stringify([request.url, request.method, request.headers['content-type'], body]);
    if (request.headers['x-pack'] === undefined) response.writeHead(429, { 'retry-after': '7' }).end(answer);
    else response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(answer));
  });
  const plain = await httpFetch(url, asked);
  assert.deepEqual([plain.ok, plain.status, plain.statusText, plain.headers.get('Retry-After')], [false, 429, 'Too Many Requests', '7']);
  const packed = await httpFetch(url, { ...asked, headers: { ...asked.headers, 'x-pack': '1' } });
  assert.equal(packed.ok, true);
  for (const answer of [plain, packed]) assert.deepEqual(JSON.parse(await answer.text()), ['/path?key=1', 'POST', 'application/json', asked.body]);
});

test('one connection serves many questions, and one that was closed meanwhile costs no failure', async (t) => {
  let connections = 0;
  const { server, url } = await serve(t, (_request, response) => response.end('{}'));
  server.on('connection', () => connections++);
  for (let i = 0; i < 5; i++) await (await httpFetch(url, asked)).text();
  assert.equal(connections, 1);
  server.closeIdleConnections();
  assert.equal((await httpFetch(url, asked)).status, 200);
  assert.equal(connections, 2);
});

test('an abort ends the question with its reason; endless answers, broken ones and deaf endpoints are errors', async (t) => {
  const { url } = await serve(t, (request, response) => {
    if (request.headers['x-way'] === 'endless') for (let i = 0; i <= MAX_RPC_ANSWER_BYTES; i += 1 << 20) response.write(Buffer.alloc(1 << 20));
    if (request.headers['x-way'] === 'broken') { response.writeHead(200, { 'content-length': '100' }); response.write('{'); setImmediate(() => response.destroy()); }
  });
  const controller = new AbortController();
  const waiting = httpFetch(url, { ...asked, signal: controller.signal });
  controller.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(httpFetch(url, { ...asked, signal: controller.signal }), /enough/);
  await assert.rejects(httpFetch(url, { ...asked, headers: { 'x-way': 'endless' } }), RangeError);
  await assert.rejects(httpFetch(url, { ...asked, headers: { 'x-way': 'broken' } }));
  await assert.rejects(httpFetch('http://127.0.0.1:1/', asked), { code: 'ECONNREFUSED' });
});

test('a redirection is followed', async (t) => {
  const target = await serve(t, (_request, response) => response.end('"there"'));
  const { url } = await serve(t, (_request, response) => response.writeHead(307, { location: target.url }).end());
  assert.equal(await (await httpFetch(url, asked)).text(), '"there"');
});
