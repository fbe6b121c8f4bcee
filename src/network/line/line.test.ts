import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Stream } from '@libp2p/interface';
import * as lp from 'it-length-prefixed';
import { evidenceProtocol, commitmentProtocol, setProtocol } from '../protocols.ts';
import { request, serve } from '../streams/request-response.ts';
import { LINE_PROTOCOL, LINE_SILENCE_MS, MAX_LINE_FRAME_BYTES, MAX_LINE_REPLY_BYTES } from '../constants.ts';
import { startHost } from '../hosts.test-util.ts';
import { encodeQuestion } from './frames.ts';

const jobId = `0x${'ab'.repeat(32)}` as const;
const commitment = (i: number) => ({ jobId, node: `0x${'cd'.repeat(20)}`, commitment: `0x${i.toString(16).padStart(64, '0')}`, signature: '0x12' }) as const;

async function pair(t: TestContext) {
  const [server, client] = [await startHost(t), await startHost(t)];
  await client.dial(server.getMultiaddrs());
  const streams = () => client.getConnections(server.peerId)[0]!.streams.filter(({ protocol }) => protocol.startsWith('/gadus/')).map(({ protocol }) => protocol);
  return { server, client, streams };
}

test('many requests of several protocols, side by side and answered out of order, share one stream', async (t) => {
  const { server, client, streams } = await pair(t);
  const gates = Array.from({ length: 12 }, () => Promise.withResolvers<void>());
  let entered = 0;
  const all = Promise.withResolvers<void>();
  await serve(server, commitmentProtocol, async ({ commitment: hash }) => {
    if (++entered === gates.length) all.resolve();
    await gates[Number(hash)]!.promise;
    return { ok: true, reason: hash };
  });
  await serve(server, setProtocol, () => ({ status: 'refused', reason: 'no' }));
  const asked = gates.map((_, i) => request(client, server.peerId, commitmentProtocol, commitment(i)));
  await all.promise;
  assert.deepEqual(await request(client, server.peerId, setProtocol, { jobId, commitments: [jobId] }), { status: 'refused', reason: 'no' });
  for (const gate of gates.toReversed()) gate.resolve();
  assert.deepEqual((await Promise.all(asked)).map(({ reason }) => Number(reason)), gates.map((_, i) => i));
  assert.deepEqual(streams(), [LINE_PROTOCOL]);
});

test('what is too long for a line goes on a stream of its own', async (t) => {
  const { server, client } = await pair(t);
  let size = 10;
  let calls = 0;
  await serve(server, evidenceProtocol, () => { calls++; return { status: 'sealed', sealed: new Uint8Array(size) }; });
  for (size of [10, MAX_LINE_REPLY_BYTES - 200, MAX_LINE_REPLY_BYTES, 4 * MAX_LINE_REPLY_BYTES]) {
    const answer = await request(client, server.peerId, evidenceProtocol, { jobId });
    assert.equal(answer.status === 'sealed' && answer.sealed.length, size);
  }
  assert.equal(calls, 6);
});

test('a peer without lines is asked on streams, and one that stops serving says so', async (t) => {
  const { server, client, streams } = await pair(t);
  await server.handle(commitmentProtocol.id, async (stream) => {
    stream.addEventListener('message', () => { stream.send(lp.encode.single(new Uint8Array([1, ...Buffer.from('old')]))); void stream.close(); });
  });
  await assert.rejects(request(client, server.peerId, commitmentProtocol, commitment(1)), { code: 'REFUSED', details: 'old' });
  assert.ok(!streams().includes(LINE_PROTOCOL));
  const [other, asker] = [await startHost(t), await startHost(t)];
  await asker.dial(other.getMultiaddrs());
  const stop = await serve(other, commitmentProtocol, () => ({ ok: true }));
  await serve(other, setProtocol, () => ({ status: 'refused', reason: 'no' }));
  await request(asker, other.peerId, commitmentProtocol, commitment(1));
  await stop();
  await assert.rejects(request(asker, other.peerId, commitmentProtocol, commitment(1)), { code: 'PROTOCOL_UNSUPPORTED' });
});

test('who gives up is not answered, its handler is told, and the line lives on; when the peer goes, all who wait are told', async (t) => {
  const { server, client, streams } = await pair(t);
  const [entered, told] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await serve(server, commitmentProtocol, async ({ commitment: hash }, { signal }) => {
    if (Number(hash) === 0) return { ok: true };
    entered.resolve();
    await new Promise<void>((resolve) => { signal.addEventListener('abort', () => resolve(), { once: true }); });
    told.resolve();
    return { ok: false };
  });
  const controller = new AbortController();
  const given = request(client, server.peerId, commitmentProtocol, commitment(1), { signal: controller.signal });
  given.catch(() => {});
  await entered.promise;
  controller.abort(new Error('enough'));
  await assert.rejects(given, /enough/);
  await told.promise;
  assert.deepEqual(await request(client, server.peerId, commitmentProtocol, commitment(0)), { ok: true });
  assert.deepEqual(streams(), [LINE_PROTOCOL]);
  const waiting = [1, 2].map((i) => request(client, server.peerId, commitmentProtocol, commitment(i)));
  await request(client, server.peerId, commitmentProtocol, commitment(0));
  for (const connection of server.getConnections(client.peerId)) connection.abort(new Error('power cut'));
  for (const one of waiting) await assert.rejects(one, { code: 'STREAM_CLOSED' });
});

test('a line that went silent is not asked again', async (t) => {
  const { server, client, streams } = await pair(t);
  let lines = 0;
  let giveUp = () => {};
  await server.handle(LINE_PROTOCOL, (stream) => {
    lines++;
    // It arrived, so it was asked before.
    stream.addEventListener('message', () => setTimeout(() => giveUp(), LINE_SILENCE_MS + 10), { once: true });
  });
  for (let i = 1; i <= 2; i++) {
    const controller = new AbortController();
    giveUp = () => controller.abort(new Error('enough'));
    await assert.rejects(request(client, server.peerId, commitmentProtocol, commitment(1), { signal: controller.signal }), /enough/);
    assert.equal(lines, i);
    assert.deepEqual(streams(), []);
  }
});

test('a hostile asker is cut off; a malformed request is refused, and harms no other', async (t) => {
  const { server, client } = await pair(t);
  let calls = 0;
  await serve(server, commitmentProtocol, () => { calls++; return { ok: true }; });
  const attack = async (...frames: Uint8Array[]) => {
    const stream: Stream = await client.dialProtocol(server.peerId, LINE_PROTOCOL);
    const over = new Promise<void>((resolve) => { stream.addEventListener('close', () => resolve(), { once: true }); });
    for (const frame of frames) stream.send(frame);
    await over;
    assert.equal(stream.status, 'reset');
  };
  await attack(new Uint8Array([0xff, 0xff, 0xff, 0x7f]));
  await attack(lp.encode.single(new Uint8Array(3)).subarray());
  await attack(lp.encode.single(new Uint8Array([7, 0, 0, 0, 1, 0])).subarray());
  await attack(lp.encode.single(new Uint8Array([0, 0, 0, 0, 1, 200, 1])).subarray());
  await attack(lp.encode.single(new Uint8Array(MAX_LINE_FRAME_BYTES + 1), { maxDataLength: 1 << 20 }).subarray());
  assert.equal(calls, 0);
  const stream: Stream = await client.dialProtocol(server.peerId, LINE_PROTOCOL);
  const replies: number[][] = [];
  const both = Promise.withResolvers<void>();
  stream.addEventListener('message', ({ data }) => { replies.push([...data.subarray()]); if (replies.flat().length > 12) both.resolve(); });
  for (const [id, protocol] of [[1, commitmentProtocol.id], [2, '/none']] as const) {
    stream.send(lp.encode.single(encodeQuestion({ kind: 'ask', id, protocol, payload: new Uint8Array([0xde, 0xad]) })));
  }
  await both.promise;
  const said = Buffer.from(replies.flat());
  assert.ok(said.includes(Buffer.from([0, 0, 0, 0, 1, 1])), 'the first is refused');
  assert.ok(said.includes(Buffer.from([2, 0, 0, 0, 2])), 'the other protocol is not served');
  assert.equal(calls, 0);
});
