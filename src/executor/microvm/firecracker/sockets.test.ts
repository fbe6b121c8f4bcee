import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isError } from '../../../protocol/index.ts';
import { until } from '../../../../test/until.ts';
import { boundedPipe } from './bounded-pipe.ts';
import { connectVsock } from './connect-vsock.ts';

describe('pipes and sockets of a monitor', () => {
  let directory: string;
  before(async () => { directory = await mkdtemp(path.join(tmpdir(), 'gadus-pipe-')); });
  after(() => rm(directory, { recursive: true, force: true }));

  test('a pipe keeps the last of what is written, whoever comes and goes', async () => {
    const file = path.join(directory, 'log');
    const pipe = await boundedPipe(file, process.getuid!(), 10);
    await appendFile(file, 'x'.repeat(200_000));
    await appendFile(file, '0123456789');
    await until('the last words', () => pipe.last() === '0123456789');
    pipe.close();
  });

  const serve = async (name: string, onLine: (socket: Socket) => void): Promise<{ server: Server; file: string }> => {
    const file = path.join(directory, name);
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => onLine(socket));
    }).listen(file);
    await once(server, 'listening');
    return { server, file };
  };

  test('a handshake that comes in pieces, with the guest\'s first words right behind it', async () => {
    const { server, file } = await serve('ok', (socket) => { socket.write('O'); setImmediate(() => socket.write(Buffer.from([...Buffer.from('K 10\n'), 0, 255, 10]))); });
    const socket = await connectVsock(file, 52);
    const [chunk] = await once(socket.resume(), 'data') as [Buffer];
    assert.deepEqual([...chunk], [0, 255, 10]);
    socket.destroy();
    server.close();
  });

  test('a guest that never listens, answers nonsense, or is given up', async () => {
    const deaf = await serve('deaf', (socket) => socket.destroy());
    await assert.rejects(connectVsock(deaf.file, 52, { timeoutMs: 50 }), (error) => isError(error, 'START_TIMEOUT'));
    await assert.rejects(connectVsock(deaf.file, 52, { signal: AbortSignal.abort() }), (error) => isError(error, 'ABORTED'));
    const long = await serve('long', (socket) => socket.write('O'.repeat(100)));
    await assert.rejects(connectVsock(long.file, 52), (error) => isError(error, 'GUEST_MISBEHAVED'));
    for (const { server } of [deaf, long]) server.close();
  });
});
