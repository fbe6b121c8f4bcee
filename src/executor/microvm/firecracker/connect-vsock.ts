import { createConnection, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ExecutorError, aborted } from '../../errors.ts';
import { HANDSHAKE_TIMEOUT_MS, RETRY_MS } from './constants.ts';

const MAX_ANSWER_CHARS = 32;

/**
 * A connection to a port of the guest, by Firecracker's handshake: `CONNECT port` to its Unix socket, answered `OK hostPort`
 * once somebody listens there, and by hanging up as long as nobody does (docs/vsock.md of its repository).
 *
 * The socket is paused.
 *
 * @throws ExecutorError START_TIMEOUT, GUEST_MISBEHAVED, ABORTED
 */
export async function connectVsock(socketPath: string, port: number, { signal, timeoutMs = HANDSHAKE_TIMEOUT_MS }: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<Socket> {
  for (const end = performance.now() + timeoutMs; ;) {
    if (signal?.aborted) throw aborted(signal);
    const left = end - performance.now();
    if (left <= 0) throw new ExecutorError('START_TIMEOUT', 'the guest does not listen', { details: `port ${port}, ${timeoutMs} ms` });
    const socket = await attempt(socketPath, port, left);
    if (socket) return socket;
    await delay(RETRY_MS);
  }
}

/** Undefined when nobody listens yet. */
function attempt(socketPath: string, port: number, timeoutMs: number): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(socketPath);
    let answer = '';
    const settle = (act: () => void) => {
      clearTimeout(timer);
      socket.off('data', onData).off('close', giveUp);
      act();
    };
    const giveUp = () => settle(() => {
      socket.destroy();
      resolve(undefined);
    });
    const onData = (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      const newline = answer.indexOf('\n');
      if (newline < 0 && answer.length <= MAX_ANSWER_CHARS) return;
      if (!/^OK \d+\n/.test(answer)) {
        settle(() => {
          socket.destroy();
          reject(new ExecutorError('GUEST_MISBEHAVED', 'not a vsock handshake', { details: JSON.stringify(answer.slice(0, MAX_ANSWER_CHARS)) }));
        });
        return;
      }
      settle(() => {
        socket.pause();
        // What the guest said right after the handshake belongs to its reader.
        const rest = Buffer.from(answer.slice(newline + 1), 'latin1');
        if (rest.length > 0) socket.unshift(rest);
        resolve(socket);
      });
    };
    const timer = setTimeout(giveUp, timeoutMs);
    // For good: whoever takes the socket over sees its failure as the end of the stream. An error is followed by `close`.
    socket.on('error', () => undefined);
    socket.on('close', giveUp);
    socket.on('data', onData);
    socket.on('connect', () => socket.write(`CONNECT ${port}\n`));
  });
}
