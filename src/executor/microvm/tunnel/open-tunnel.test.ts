import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { duplexPair, type Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { isError } from '../../../protocol/index.ts';
import { encodeFrame, readFrames } from '../wire.ts';
import { MAX_BYTES_OF_FRAME, MAX_STREAMS, WINDOW_BYTES } from './constants.ts';
import type { GuestStream } from './guest-stream.ts';
import { openTunnel } from './open-tunnel.ts';
import { BYTES, CREDIT, END, OPEN, RESET, creditFrame, tunnelFrame } from './tunnel-frames.ts';

/** A guest that keeps to the protocol: what it is sent is taken at once, what it says waits for credit. */
function playGuest(channel: Duplex) {
  const streams = new Map<number, { credit: number; got: Buffer[]; ended: PromiseWithResolvers<void>; more: () => void }>();
  channel.on('error', () => undefined);
  const reading = (async () => {
    for await (const { type, payload } of readFrames(channel)) {
      const id = payload.readUInt32BE();
      const stream = streams.get(id)!;
      if (type === BYTES) {
        stream.got.push(Buffer.from(payload.subarray(4)));
        channel.write(creditFrame(id, payload.length - 4));
      } else if (type === CREDIT) {
        stream.credit += payload.readUInt32BE(4);
        stream.more();
      } else if (type === END) stream.ended.resolve();
      else if (type === RESET) stream.ended.reject(new Error('reset'));
      else assert.fail(`frame ${type}`);
    }
  })().catch(() => undefined);
  return {
    reading,
    open(id: number) {
      const stream = { credit: WINDOW_BYTES, got: [] as Buffer[], ended: Promise.withResolvers<void>(), more: () => undefined as void };
      stream.ended.promise.catch(() => undefined);
      streams.set(id, stream);
      channel.write(tunnelFrame(OPEN, id));
      return {
        async send(content: Buffer, pieceBytes: number) {
          for (let at = 0; at < content.length;) {
            if (stream.credit === 0) await new Promise<void>((resolve) => { stream.more = resolve; });
            const piece = content.subarray(at, at + Math.min(stream.credit, pieceBytes, MAX_BYTES_OF_FRAME));
            stream.credit -= piece.length;
            at += piece.length;
            if (!channel.write(tunnelFrame(BYTES, id, piece))) await turn();
          }
          channel.write(tunnelFrame(END, id));
        },
        async answer() {
          await stream.ended.promise;
          return Buffer.concat(stream.got);
        },
      };
    },
  };
}

const isBreach = (error: unknown) => isError(error, 'GUEST_MISBEHAVED');
const echo = (stream: GuestStream) => void stream.pipe(stream);

describe('a tunnel', () => {
  test('carries many streams at once, whole and in order, whatever their pieces, and each ends by itself', async () => {
    const [host, guest] = duplexPair();
    const left: Promise<unknown>[] = [];
    const tunnel = openTunnel(host, (stream) => {
      left.push(new Promise((resolve) => { stream.once('close', resolve); }));
      echo(stream);
    });
    const played = playGuest(guest);
    await Promise.all([[0, 1], [1, 1], [5, 2], [3 * WINDOW_BYTES + 7, 60_001], [2 * WINDOW_BYTES, MAX_BYTES_OF_FRAME], [4096, 1], [WINDOW_BYTES + 1, 4095]].map(async ([length, pieceBytes], i) => {
      const content = randomBytes(length!);
      const stream = played.open(i + 1);
      const [, answer] = await Promise.all([stream.send(content, pieceBytes!), stream.answer()]);
      assert.ok(answer.equals(content), `${length} bytes`);
    }));
    await Promise.all(left);
    await tunnel.close();
    await played.reading;
  });

  test('keeps a window of what nobody reads, though it come byte by byte, and lets other streams pass', async () => {
    const [host, guest] = duplexPair();
    const accepted: GuestStream[] = [];
    const tunnel = openTunnel(host, (stream) => { accepted.push(stream); if (accepted.length > 1) echo(stream); });
    const played = playGuest(guest);
    const first = played.open(1);
    const content = randomBytes(WINDOW_BYTES + 5);
    const sending = first.send(content, 1);
    const second = played.open(2);
    await second.send(Buffer.from('passes'), 10);
    assert.equal(String(await second.answer()), 'passes');
    const got: Buffer[] = [];
    for await (const chunk of accepted[0]!) got.push(chunk as Buffer);
    await sending;
    assert.ok(Buffer.concat(got).equals(content));
    assert.ok(got.length < WINDOW_BYTES / 1000, `${got.length} chunks: small ones are kept together`);
    await tunnel.close();
  });

  test('holds back a host whose guest takes nothing', async () => {
    const [host, guest] = duplexPair();
    const accepted = Promise.withResolvers<GuestStream>();
    const tunnel = openTunnel(host, accepted.resolve);
    guest.write(tunnelFrame(OPEN, 7));
    const stream = await accepted.promise;
    let sent = 0;
    while (stream.write(Buffer.alloc(10_000))) sent += 10_000;
    let taken = 0;
    for (; taken < WINDOW_BYTES;) {
      await turn();
      for (let chunk = guest.read() as Buffer | null; chunk !== null; chunk = guest.read() as Buffer | null) taken += chunk.length;
      while (!stream.writableNeedDrain && stream.write(Buffer.alloc(10_000))) sent += 10_000;
      assert.ok(stream.writableLength < 100_000);
    }
    for (let i = 0; i < 20; i++) await turn();
    assert.ok(sent < WINDOW_BYTES + 100_000, 'no more than the window, and what the stream keeps');
    await tunnel.close();
    assert.ok(stream.destroyed);
  });

  test('asks nothing more of a guest that does not listen to the answers', async () => {
    const [host, guest] = duplexPair();
    let opened = 0;
    // Turned away, each of them: a RESET that nobody fetches.
    const tunnel = openTunnel(host, (stream) => { opened++; stream.destroy(); });
    let id = 0;
    for (let blocked = 0; blocked < 50;) {
      if (guest.writableNeedDrain) { blocked++; await turn(); } else guest.write(tunnelFrame(OPEN, ++id));
    }
    assert.ok(opened < id && host.writableLength < 100_000, `${opened} of ${id}, ${host.writableLength} bytes`);
    await tunnel.close();
  });

  const breaches: [string, Buffer[]][] = [
    ['a frame of no stream', [encodeFrame(OPEN, Buffer.alloc(3))]],
    ['a frame that is too long', [tunnelFrame(OPEN, 1), tunnelFrame(BYTES, 1, Buffer.alloc(MAX_BYTES_OF_FRAME + 1))]],
    ['a length of 4 GiB', [Buffer.from('ffffffff02', 'hex')]],
    ['no known kind', [tunnelFrame(OPEN, 1), tunnelFrame(9, 1)]],
    ['a stream that was never opened', [tunnelFrame(BYTES, 5, Buffer.from('x'))]],
    ['a number used twice', [tunnelFrame(OPEN, 2), tunnelFrame(OPEN, 2)]],
    ['a number that falls', [tunnelFrame(OPEN, 2), tunnelFrame(OPEN, 1)]],
    ['stream 0', [tunnelFrame(OPEN, 0)]],
    ['bytes at the opening', [tunnelFrame(OPEN, 1, Buffer.from('x'))]],
    ['no bytes, without end', [tunnelFrame(OPEN, 1), tunnelFrame(BYTES, 1)]],
    ['bytes after the end', [tunnelFrame(OPEN, 1), tunnelFrame(END, 1), tunnelFrame(BYTES, 1, Buffer.from('x'))]],
    ['two ends', [tunnelFrame(OPEN, 1), tunnelFrame(END, 1), tunnelFrame(END, 1)]],
    ['bytes beyond the window', [tunnelFrame(OPEN, 1), ...Array.from({ length: 9 }, () => tunnelFrame(BYTES, 1, Buffer.alloc(MAX_BYTES_OF_FRAME)))]],
    ['credit for what was never sent', [tunnelFrame(OPEN, 1), creditFrame(1, 1)]],
    ['no credit', [tunnelFrame(OPEN, 1), creditFrame(1, 0)]],
    ['half a credit', [tunnelFrame(OPEN, 1), tunnelFrame(CREDIT, 1, Buffer.alloc(2))]],
    ['more streams than there may be', Array.from({ length: MAX_STREAMS + 1 }, (_, i) => tunnelFrame(OPEN, i + 1))],
  ];
  for (const [title, frames] of breaches) test(`ends at ${title}`, async () => {
    const [host, guest] = duplexPair();
    guest.on('error', () => undefined);
    const accepted: GuestStream[] = [];
    const tunnel = openTunnel(host, (stream) => { accepted.push(stream); });
    for (const frame of frames) guest.write(frame);
    await assert.rejects(tunnel.broken, isBreach);
    await tunnel.close();
    assert.ok(host.destroyed && accepted.every((stream) => stream.destroyed));
  });

  test('words about a stream that the host gave up are passed over', async () => {
    const [host, guest] = duplexPair();
    const tunnel = openTunnel(host, (stream) => { if (accepted++ === 0) stream.destroy(); else echo(stream); });
    let accepted = 0;
    const played = playGuest(guest);
    played.open(1);
    for (const frame of [tunnelFrame(BYTES, 1, Buffer.alloc(9)), creditFrame(1, 5), tunnelFrame(END, 1), tunnelFrame(RESET, 1)]) guest.write(frame);
    const stream = played.open(2);
    await stream.send(Buffer.from('still here'), 3);
    assert.equal(String(await stream.answer()), 'still here');
    await tunnel.close();
  });

  test('a stream without a byte for long enough says so', async () => {
    const [host, guest] = duplexPair();
    const late = Promise.withResolvers<GuestStream>();
    const tunnel = openTunnel(host, (stream) => { stream.setTimeout(20, () => late.resolve(stream)).resume(); });
    guest.write(tunnelFrame(OPEN, 1));
    (await late.promise).destroy();
    await tunnel.close();
  });

  test('random frames end in a breach or in nothing, never in anything else', async () => {
    let seed = 1;
    const random = (below: number) => { seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0; return Math.floor(seed / 2 ** 32 * below); };
    for (let round = 0; round < 300; round++) {
      const [host, guest] = duplexPair();
      guest.on('error', () => undefined).resume();
      const accepted: GuestStream[] = [];
      const tunnel = openTunnel(host, (stream) => {
        accepted.push(stream);
        const fate = random(4);
        if (fate === 0) stream.destroy();
        else if (fate === 1) echo(stream);
        else if (fate === 2) stream.resume().end('bye');
      });
      let newest = 0;
      for (let n = random(60); n > 0; n--) {
        // Mostly what could be right, so that it gets far, and now and then noise.
        const id = random(10) === 0 ? random(1000) : 1 + random(newest + 1);
        const frame = random(40) === 0 ? Buffer.from(Array.from({ length: random(20) }, () => random(256)))
          : random(3) === 0 ? tunnelFrame(OPEN, ++newest)
            : tunnelFrame(random(7), id, Buffer.alloc([0, 4, 1, 70][random(4)]!, random(3)));
        guest.write(frame);
      }
      guest.end();
      await Promise.race([tunnel.broken.catch((error: unknown) => assert.ok(isBreach(error), String(error))), new Promise((resolve) => { host.once('close', resolve); })]);
      await tunnel.close();
      assert.ok(accepted.every((stream) => stream.destroyed), `round ${round}`);
    }
  });
});
