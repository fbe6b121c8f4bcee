import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stream } from '@libp2p/interface';
import * as lp from 'it-length-prefixed';
import { BaseError } from '../../protocol/base/errors.ts';
import { ack, encodeMessage } from '../../protocol/wire/messages.ts';
import { MAX_MESSAGE_BYTES } from '../../protocol/constants.ts';
import { announcementProtocol, commitmentProtocol, evidenceProtocol } from '../protocols.ts';
import { request, serve } from './request-response.ts';
import { addressesOf, sampleAnnouncement, startHost } from '../hosts.test-util.ts';

const jobId = `0x${'ab'.repeat(32)}` as const;
const commitment = { jobId, node: `0x${'cd'.repeat(20)}`, commitment: jobId, signature: '0x12' } as const;
const never = () => new Promise<never>(() => {});

test('the answer comes back, the handler knows who asked, and the largest message passes', async (t) => {
  const [server, client] = [await startHost(t), await startHost(t)];
  const seen: string[] = [];
  await serve(server, commitmentProtocol, (message, { peer }) => { seen.push(peer.toString(), message.commitment); return { ok: true }; });
  assert.deepEqual(await request(client, addressesOf(server), commitmentProtocol, commitment), { ok: true });
  assert.deepEqual(await request(client, server.peerId, commitmentProtocol, commitment), { ok: true });
  assert.deepEqual(seen, [client.peerId.toString(), jobId, client.peerId.toString(), jobId]);
  const sealed = new Uint8Array(MAX_MESSAGE_BYTES - 100).fill(7);
  await serve(server, evidenceProtocol, () => ({ status: 'sealed', sealed }));
  const answer = await request(client, server.peerId, evidenceProtocol, { jobId });
  assert.ok(answer.status === 'sealed' && Buffer.compare(answer.sealed, sealed) === 0);
  const announced = sampleAnnouncement();
  await serve(server, announcementProtocol, () => ({ found: true, announcement: announced }));
  assert.deepEqual(await request(client, server.peerId, announcementProtocol, { jobId }), { found: true, announcement: announced });
});

test('a refusal carries a typed error\'s short message and nothing of any other error', async (t) => {
  const [server, client] = [await startHost(t), await startHost(t)];
  let failure: Error = new BaseError('NO', 'not your job', { details: 'secret' });
  const errors: string[] = [];
  const unserve = await serve(server, commitmentProtocol, () => { throw failure; }, { onError: (error) => errors.push(error.message) });
  const ask = () => request(client, addressesOf(server), commitmentProtocol, commitment);
  await assert.rejects(ask(), { code: 'REFUSED', details: 'not your job' });
  failure = new Error('password is hunter2');
  await assert.rejects(ask(), { code: 'REFUSED', details: 'internal error' });
  assert.deepEqual(errors, ['not your job: secret', 'password is hunter2']);
  await unserve();
  await assert.rejects(ask(), { code: 'PROTOCOL_UNSUPPORTED' });
});

test('nobody there, no addresses, two peers in one list, bad address', async (t) => {
  const [client, other] = [await startHost(t), await startHost(t)];
  const ask = (target: string | string[]) => request(client, target, commitmentProtocol, commitment);
  await assert.rejects(ask('/ip4/127.0.0.1/tcp/1'), { code: 'PEER_UNREACHABLE' });
  await assert.rejects(ask([]), { code: 'ADDRESS_INVALID' });
  await assert.rejects(ask('http://example'), { code: 'ADDRESS_INVALID' });
  await assert.rejects(ask([...addressesOf(other), ...addressesOf(client)]), { code: 'ADDRESS_INVALID' });
});

test('a client gives up: by its signal with the signal\'s reason, by its deadline with TIMEOUT; the handler is told', async (t) => {
  const [server, client] = [await startHost(t), await startHost(t)];
  const told = Promise.withResolvers<unknown>();
  const entered = Promise.withResolvers<void>();
  await serve(server, commitmentProtocol, (_message, { signal }) => {
    signal.addEventListener('abort', () => told.resolve(signal.reason));
    entered.resolve();
    return never();
  });
  const controller = new AbortController();
  const asking = request(client, addressesOf(server), commitmentProtocol, commitment, { signal: controller.signal });
  asking.catch(() => {});
  await entered.promise;
  controller.abort(new Error('changed my mind'));
  await assert.rejects(asking, /changed my mind/);
  assert.equal((await told.promise as BaseError).code, 'STREAM_CLOSED');
  await assert.rejects(request(client, addressesOf(server), commitmentProtocol, commitment, { timeoutMs: 50 }), { code: 'TIMEOUT' });
});

test('a handler that takes too long is cut off and the client is told', async (t) => {
  const [server, client] = [await startHost(t), await startHost(t)];
  await serve(server, commitmentProtocol, never, { handlerTimeoutMs: 20 });
  await assert.rejects(request(client, addressesOf(server), commitmentProtocol, commitment), { code: 'REFUSED', details: 'the answer took too long' });
});

test('one peer gets its share of slots and no more; a freed slot is usable', async (t) => {
  const [server, client] = [await startHost(t), await startHost(t)];
  const release = Promise.withResolvers<{ ok: boolean }>();
  const busy = Promise.withResolvers<void>();
  let running = 0;
  await serve(server, commitmentProtocol, () => { if (++running === 2) busy.resolve(); return release.promise; }, { requestsPerPeer: 2 });
  const ask = () => request(client, addressesOf(server), commitmentProtocol, commitment);
  const two = [ask(), ask()];
  await busy.promise;
  await assert.rejects(ask(), { code: 'REFUSED', details: 'too many requests at once' });
  release.resolve({ ok: true });
  assert.deepEqual(await Promise.all(two), [{ ok: true }, { ok: true }]);
  assert.deepEqual(await ask(), { ok: true });
});

test('hostile clients: oversized frame, garbage, half-closed, slow-loris; each is cut off, and the handler never runs', async (t) => {
  const [server, client] = [await startHost(t), await startHost(t)];
  const errors: unknown[] = [];
  let calls = 0;
  const serveWithin = (readTimeoutMs: number) => serve(server, commitmentProtocol, () => { calls++; return { ok: true }; }, {
    readTimeoutMs, onError: (error) => errors.push((error as BaseError).code),
  });
  const unserve = await serveWithin(60_000);
  await client.dial(server.getMultiaddrs());
  const attack = async (send: (stream: Stream) => unknown) => {
    const stream = await client.dialProtocol(server.peerId, commitmentProtocol.id);
    const over = new Promise<void>((resolve) => { stream.addEventListener('close', () => resolve(), { once: true }); });
    await send(stream);
    await over;
    assert.equal(stream.status, 'reset');
  };
  await attack((stream) => stream.send(new Uint8Array([0xff, 0xff, 0xff, 0x7f])));
  await attack((stream) => stream.send(new Uint8Array(64).fill(0xff)));
  await attack((stream) => stream.send(lp.encode.single(new Uint8Array([0xde, 0xad]))));
  await attack((stream) => stream.close());
  await attack(async (stream) => { stream.send(new Uint8Array([100, 1, 2])); await stream.close(); });
  await unserve();
  await serveWithin(50);
  await attack((stream) => stream.send(new Uint8Array([100, 1, 2])));
  assert.equal(calls, 0);
  assert.deepEqual(errors.slice(0, 5), ['PROTOCOL_VIOLATION', 'PROTOCOL_VIOLATION', 'MESSAGE_INVALID', 'PROTOCOL_VIOLATION', 'PROTOCOL_VIOLATION']);
  assert.equal(errors[5], 'TIMEOUT');
});

test('hostile servers: oversized, garbage, unknown kind, closed without an answer, silent, gone in mid-answer', async (t) => {
  const [server, client] = [await startHost(t), await startHost(t)];
  let behave: (stream: Stream) => unknown = () => {};
  await server.handle(commitmentProtocol.id, async (stream) => { await behave(stream); });
  const ask = (timeoutMs = 5_000) => request(client, addressesOf(server), commitmentProtocol, commitment, { timeoutMs });
  behave = (stream) => stream.send(new Uint8Array([0xff, 0xff, 0xff, 0x7f]));
  await assert.rejects(ask(), { code: 'PROTOCOL_VIOLATION' });
  behave = (stream) => stream.send(lp.encode.single(new Uint8Array([0, 0xff, 1])));
  await assert.rejects(ask(), { code: 'PROTOCOL_VIOLATION' });
  behave = (stream) => stream.send(lp.encode.single(new Uint8Array([9])));
  await assert.rejects(ask(), { code: 'PROTOCOL_VIOLATION' });
  behave = (stream) => stream.close();
  await assert.rejects(ask(), { code: 'STREAM_CLOSED' });
  behave = () => {};
  await assert.rejects(ask(100), { code: 'TIMEOUT' });
  behave = (stream) => stream.abort(new Error('bye'));
  await assert.rejects(ask(), { code: 'STREAM_CLOSED' });
  behave = async (stream) => { stream.send(lp.encode.single(new Uint8Array([0, ...encodeMessage(ack, { ok: true })])).subarray(0, 3)); await server.stop(); };
  await assert.rejects(ask(), (error: BaseError) => ['STREAM_CLOSED', 'PROTOCOL_VIOLATION'].includes(error.code));
});

test('a server outlives a client that dies while the answer is written', async (t) => {
  const [server, client] = [await startHost(t), await startHost(t)];
  const entered = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  await serve(server, evidenceProtocol, async () => {
    entered.resolve();
    await release.promise;
    return { status: 'sealed', sealed: new Uint8Array(8 << 20) };
  });
  const asking = request(client, addressesOf(server), evidenceProtocol, { jobId });
  asking.catch(() => {});
  await entered.promise;
  await client.stop();
  release.resolve();
  await assert.rejects(asking);
  const next = await startHost(t);
  assert.equal((await request(next, addressesOf(server), evidenceProtocol, { jobId })).status, 'sealed');
});
