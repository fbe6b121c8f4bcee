import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, afterEach, before, test } from 'node:test';
import { isError } from '../../protocol/index.ts';
import { mockTime } from '../../protocol/base/mock-time.test-util.ts';
import { createDockerClient } from './docker-client.ts';
import { createDockerEngine } from './docker-engine.ts';

let directory = '';
const servers: Server[] = [];
before(async () => { directory = await mkdtemp(path.join(tmpdir(), 'gadus-docker-client-')); });
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});
after(() => rm(directory, { recursive: true, force: true }));

/** A daemon that answers as told. */
async function daemon(answer: (request: IncomingMessage, response: ServerResponse) => void, upgrade?: (request: IncomingMessage, socket: Socket) => void): Promise<string> {
  const socketPath = path.join(directory, `${Math.random().toString(36).slice(2)}.sock`);
  const server = createServer(answer);
  if (upgrade) server.on('upgrade', (request, socket) => upgrade(request, socket as Socket));
  servers.push(server);
  await once(server.listen(socketPath), 'listening');
  return socketPath;
}

const failed = (pattern: RegExp) => (error: unknown) => isError(error, 'DOCKER_FAILED') && pattern.test(String(error));

test('calls carry JSON both ways, of an import the last line counts, and nothing is an answer', async () => {
  const seen: unknown[] = [];
  const client = createDockerClient(await daemon((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text) => { body += text; }).on('end', () => {
      seen.push([request.method, request.url, request.headers['content-type'], body]);
      if (request.url!.endsWith('/nothing')) response.writeHead(204).end();
      else response.end('{"status":"Importing"}\n{"status":"sha256:1"}\n');
    });
  }));
  assert.deepEqual(await client.call('POST', '/x?y=1', { body: { a: 'ä' } }), { status: 'sha256:1' });
  assert.equal(await client.call('DELETE', '/nothing'), undefined);
  await client.call('POST', '/import', { stream: Readable.from([Buffer.from('one'), Buffer.from('two')]) });
  assert.deepEqual(seen, [['POST', '/v1.41/x?y=1', 'application/json', '{"a":"ä"}'], ['DELETE', '/v1.41/nothing', undefined, ''], ['POST', '/v1.41/import', 'application/x-tar', 'onetwo']]);
});

test('what Docker refuses, in its own words or in nobody\'s; what is accepted is no failure', async () => {
  const client = createDockerClient(await daemon((request, response) => {
    const status = Number(/\/(\d+)$/.exec(request.url!)![1]);
    response.writeHead(status).end(status === 404 ? '{"message":"No such container: x"}' : '<html>proxy</html>');
  }));
  await assert.rejects(client.call('GET', '/404'), failed(/404 No such container: x/));
  await assert.rejects(client.call('GET', '/500'), failed(/500 <html>/));
  assert.deepEqual(await client.call('GET', '/404', { accept: [404] }), { message: 'No such container: x' });
  await assert.rejects(client.call('GET', '/200'), failed(/cannot be read/));
  await assert.rejects(client.hijack('/404'), failed(/No such container/));
  await assert.rejects(client.hijack('/200'), failed(/does not stream/));
});

test('silence, a broken answer, an endless one, and nobody there are typed errors; an abort is an abort', async () => {
  const client = createDockerClient(await daemon((request, response) => {
    if (request.url!.endsWith('/silent')) return;
    if (request.url!.endsWith('/broken')) {
      response.writeHead(200, { 'Content-Length': 100 }).write('{');
      response.destroy();
    } else {
      const pour = () => { while (response.write(' '.repeat(65_536))); };
      response.on('drain', pour);
      pour();
    }
  }));
  await assert.rejects(client.call('GET', '/silent', { timeoutMs: 50 }), failed(/nothing from .* for 50 ms/));
  await assert.rejects(client.call('GET', '/broken'), failed(/Docker does not answer/));
  await assert.rejects(client.call('GET', '/endless'), failed(/too long/));
  await assert.rejects(client.call('GET', '/silent', { signal: AbortSignal.timeout(20) }), (error) => isError(error, 'ABORTED'));
  await assert.rejects(client.hijack('/silent', { signal: AbortSignal.timeout(20) }), (error) => isError(error, 'ABORTED'));
  await assert.rejects(createDockerClient(path.join(directory, 'absent')).call('GET', '/'), failed(/ENOENT/));
});

test('a stream begins with what came along with its first bytes, and lives longer than the request may', async (t) => {
  const pass = mockTime(t);
  const client = createDockerClient(await daemon(() => undefined, (_request, socket) => {
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst ');
    socket.on('data', (chunk: Buffer) => { socket.end(`then ${chunk.toString()}`); });
  }));
  const socket = await client.hijack('/attach', { timeoutMs: 200 });
  pass(400);
  socket.write('word');
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  assert.equal(text, 'first then word');
});

test('an engine without a Docker, or with one of Windows, says so and what to do', async () => {
  const absent = await createDockerEngine({ stateDir: path.join(directory, 'a'), socketPath: path.join(directory, 'absent') }).probe();
  assert.equal(absent.ok, false);
  assert.match(absent.problems[0]!.remedy, /DOCKER_HOST/);
  const socketPath = await daemon((_request, response) => { response.end('{"Version":"25","Os":"windows"}'); });
  const windows = await createDockerEngine({ stateDir: path.join(directory, 'b'), socketPath }).probe();
  assert.match(windows.problems[0]!.what, /no Linux containers/);
});
