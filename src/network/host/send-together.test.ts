import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { TOGETHER_BYTES } from '../constants.ts';
import { sendTogether } from './send-together.ts';

/** A socket and its far end; `writes` are the system's writes, as the stream hands them down. */
async function pair(): Promise<{ near: Socket; far: Socket; writes: number[]; end(): void }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const near = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [[far]] = await Promise.all([accepted, once(near, 'connect')]);
  const writes: number[] = [];
  const sized = (chunk: Uint8Array) => chunk.byteLength;
  const { _write: one, _writev: many } = near;
  near._write = (chunk: Uint8Array, ...rest) => { writes.push(sized(chunk)); one.call(near, chunk, ...rest); };
  near._writev = (chunks, done) => { writes.push(chunks.reduce((sum, { chunk }) => sum + sized(chunk as Uint8Array), 0)); many!.call(near, chunks, done); };
  return { near, far, writes, end: () => { near.destroy(); far.destroy(); server.close(); } };
}

const received = async (socket: Socket, bytes: number): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer);
    if (chunks.reduce((sum, { length }) => sum + length, 0) >= bytes) break;
  }
  return Buffer.concat(chunks);
};

describe('sendTogether', () => {
  it('sends what is written in one turn in one piece, in order', async () => {
    const { near, far, writes, end } = await pair();
    sendTogether(near);
    const parts = Array.from({ length: 20 }, (_, i) => Buffer.from([i, i]));
    for (const part of parts) near.write(part);
    assert.deepEqual(await received(far, 40), Buffer.concat(parts));
    assert.deepEqual(writes, [40]);
    end();
  });

  it('holds no more back than it may, and tells when more can be sent', async () => {
    const { near, far, writes, end } = await pair();
    sendTogether(near);
    const bytes = Buffer.alloc(TOGETHER_BYTES / 4, 7);
    for (let i = 0; i < 4; i++) near.write(bytes);
    assert.ok(writes.length > 0, 'not before the loop comes round');
    const got = received(far, 40 * TOGETHER_BYTES);
    for (let sent = 4; sent < 160; sent++) if (!near.write(bytes)) await once(near, 'drain');
    assert.equal((await got).length, 40 * TOGETHER_BYTES);
    end();
  });

  it('sends what it holds when the socket ends, and drops it when it is destroyed', async () => {
    const first = await pair();
    sendTogether(first.near);
    first.near.write('last words');
    first.near.destroySoon();
    assert.equal((await received(first.far, 1e6)).toString(), 'last words');
    first.end();
    const second = await pair();
    sendTogether(second.near);
    second.near.write('never sent');
    second.near.destroy();
    assert.equal((await received(second.far, 1e6)).length, 0);
    second.end();
  });
});
