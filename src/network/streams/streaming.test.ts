import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as lp from 'it-length-prefixed';
import { BaseError } from '../../protocol/base/errors.ts';
import type { LogChunk } from '../../protocol/wire/messages.ts';
import { logsProtocol } from '../protocols.ts';
import { openStream, serveStream } from './streaming.ts';
import { addressesOf, startHost } from '../hosts.test-util.ts';

const ask = { jobId: `0x${'ab'.repeat(32)}`, expires: 1, signature: '0x' } as const;
const chunk = (bytes: number): LogChunk => ({ stream: 'stdout', data: new Uint8Array(bytes).fill(65) });

test('all messages arrive in order, and the end is an end', async (t) => {
  const [server, client] = [await startHost(t), await startHost(t)];
  await serveStream(server, logsProtocol, async function* () { for (let i = 1; i <= 200; i++) yield chunk(i * 100); });
  const sizes: number[] = [];
  for await (const { data } of openStream(client, addressesOf(server), logsProtocol, ask)) sizes.push(data.length);
  assert.deepEqual(sizes, Array.from({ length: 200 }, (_, i) => (i + 1) * 100));
});

test('a reader that leaves ends the handler; so does one whose signal aborts', async (t) => {
  const [server, client] = [await startHost(t), await startHost(t)];
  let ended = Promise.withResolvers<void>();
  await serveStream(server, logsProtocol, async function* (_request, { signal }) {
    try {
      yield chunk(10);
      await new Promise((resolve) => { signal.addEventListener('abort', resolve); });
    } finally { ended.resolve(); }
  });
  for await (const { data } of openStream(client, addressesOf(server), logsProtocol, ask)) { assert.equal(data.length, 10); break; }
  await ended.promise;
  ended = Promise.withResolvers();
  const controller = new AbortController();
  await assert.rejects(async () => {
    for await (const _ of openStream(client, addressesOf(server), logsProtocol, ask, { signal: controller.signal })) controller.abort(new Error('done'));
  }, /done/);
  await ended.promise;
});

test('a reader that does not read holds the writer back', async (t) => {
  const [server, client] = [await startHost(t), await startHost(t)];
  let produced = 0;
  const go = Promise.withResolvers<void>();
  await serveStream(server, logsProtocol, async function* () {
    yield chunk(1);
    await go.promise;
    while (produced < 1000) { produced++; yield chunk(1 << 20); }
  }, { writeTimeoutMs: 300 });
  const stream = openStream(client, addressesOf(server), logsProtocol, ask);
  await stream.next();
  // The writer is cut off after writeTimeoutMs without progress, which the reader sees as a broken stream, not as its end.
  const stuck = new Promise((resolve) => {
    const [connection] = server.getConnections(client.peerId);
    connection!.streams.find((s) => s.protocol === logsProtocol.id)!.addEventListener('close', resolve);
  });
  go.resolve();
  await stuck;
  assert.ok(produced < 64, `${produced} MiB produced for a reader that took a byte`);
  await assert.rejects(async () => { for await (const _ of stream); }, (error: BaseError) => error.code === 'STREAM_CLOSED');
});

test('silence with signs of life is patience; silence without is a timeout', async (t) => {
  const [server, client] = [await startHost(t), await startHost(t)];
  const go = Promise.withResolvers<void>();
  const unserve = await serveStream(server, logsProtocol, async function* () { await go.promise; yield chunk(1); }, { heartbeatMs: 20 });
  setTimeout(() => go.resolve(), 500);
  const sizes: number[] = [];
  for await (const { data } of openStream(client, addressesOf(server), logsProtocol, ask, { idleTimeoutMs: 300 })) sizes.push(data.length);
  assert.deepEqual(sizes, [1]);
  await unserve();
  await serveStream(server, logsProtocol, async function* () { await new Promise(() => {}); yield chunk(1); });
  await assert.rejects(openStream(client, addressesOf(server), logsProtocol, ask, { idleTimeoutMs: 50 }).next(), { code: 'TIMEOUT' });
});

test('refusal, broken stream, handler that fails half-way, malformed message', async (t) => {
  const [server, client] = [await startHost(t), await startHost(t)];
  const read = async () => { for await (const _ of openStream(client, addressesOf(server), logsProtocol, ask)); };
  let unserve = await serveStream(server, logsProtocol, async function* () { yield chunk(1); throw new BaseError('NO', 'not yours'); });
  await assert.rejects(read(), { code: 'REFUSED', details: 'not yours' });
  await unserve();
  unserve = await serveStream(server, logsProtocol, async function* () { yield chunk(1); await server.stop(); });
  await assert.rejects(read(), { code: 'STREAM_CLOSED' });
  const rude = await startHost(t);
  await rude.handle(logsProtocol.id, (stream) => { stream.send(lp.encode.single(new Uint8Array([0, 1, 2]))); });
  await assert.rejects(openStream(client, addressesOf(rude), logsProtocol, ask).next(), { code: 'PROTOCOL_VIOLATION' });
});
