import { request, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Socket } from 'node:net';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { ExecutorError, aborted } from '../errors.ts';
import { API_VERSION, MAX_ANSWER_BYTES, REQUEST_TIMEOUT_MS } from './constants.ts';

export interface CallOptions {
  body?: unknown;
  /** Sent as it is, in place of `body`. */
  stream?: Readable;
  /** Statuses beside 2xx that are no failure. */
  accept?: number[];
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** Docker's API, as much of it as an engine needs: https://docs.docker.com/reference/api/engine/ */
export interface DockerClient {
  readonly socketPath: string;
  /** A call whose answer is JSON, or nothing. @throws ExecutorError DOCKER_FAILED, ABORTED */
  call<T = unknown>(method: string, path: string, options?: CallOptions): Promise<T>;
  /** A call that turns its connection into a stream of both directions. @throws ExecutorError DOCKER_FAILED, ABORTED */
  hijack(path: string, options?: Omit<CallOptions, 'stream'>): Promise<Socket>;
}

export function createDockerClient(socketPath: string): DockerClient {
  const send = (method: string, path: string, { body, stream, timeoutMs = REQUEST_TIMEOUT_MS, signal }: CallOptions, upgrade: boolean) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const timeout = AbortSignal.timeout(timeoutMs);
    const outgoing = request({
      socketPath, method, path: `/${API_VERSION}${path}`, signal: anySignal(signal, timeout),
      headers: {
        Host: 'docker',
        ...(payload === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) }),
        ...(stream === undefined ? {} : { 'Content-Type': 'application/x-tar' }),
        ...(upgrade ? { Connection: 'Upgrade', Upgrade: 'tcp' } : {}),
      },
    });
    const failed = (error: Error) => {
      if (signal?.aborted) return aborted(signal);
      return new ExecutorError('DOCKER_FAILED', 'Docker does not answer', { details: timeout.aborted ? `nothing from ${socketPath} for ${timeoutMs} ms` : error.message, cause: error, hint: 'docker info shows whether its daemon runs' });
    };
    if (stream === undefined) outgoing.end(payload);
    else {
      stream.on('error', (error) => outgoing.destroy(error));
      stream.pipe(outgoing);
    }
    return { outgoing, failed };
  };

  return {
    socketPath,
    async call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
      const { outgoing, failed } = send(method, path, options, false);
      try {
        const response = await new Promise<IncomingMessage>((resolve, reject) => { outgoing.once('response', resolve).once('error', reject); });
        const text = await readAll(response);
        check(response.statusCode ?? 0, text, `${method} ${path}`, options.accept);
        return (text === '' ? undefined : parse(text)) as T;
      } catch (error) {
        throw error instanceof ExecutorError ? error : failed(error as Error);
      }
    },
    async hijack(path, options = {}) {
      const { outgoing, failed } = send('POST', path, options, true);
      try {
        return await new Promise<Socket>((resolve, reject) => {
          outgoing.once('error', reject);
          outgoing.once('upgrade', (_response, socket, head) => {
            // What comes after is the stream's, for as long as it lives.
            outgoing.removeAllListeners('error').on('error', () => undefined);
            if (head.length > 0) socket.unshift(head);
            resolve(socket as Socket);
          });
          outgoing.once('response', (response) => {
            readAll(response).then((text) => {
              check(response.statusCode ?? 0, text, path);
              throw new ExecutorError('DOCKER_FAILED', 'Docker does not stream', { details: path });
            }).catch(reject);
          });
        });
      } catch (error) {
        throw error instanceof ExecutorError ? error : failed(error as Error);
      }
    },
  };
}

function check(status: number, text: string, what: string, accept: number[] = []): void {
  if ((status >= 200 && status < 300) || accept.includes(status)) return;
  let why = text;
  try {
    why = (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    // Not Docker's own words, but somebody's.
  }
  throw new ExecutorError('DOCKER_FAILED', 'Docker refused', { details: `${what.split('?')[0]}: ${status} ${why.trim().slice(0, 500)}` });
}

/** One JSON value, or the last of several that follow each other on lines of their own (progress of an import). */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    try {
      return JSON.parse(text.trim().split('\n').at(-1)!);
    } catch (cause) {
      throw new ExecutorError('DOCKER_FAILED', 'Docker\'s answer cannot be read', { details: text.slice(0, 200), cause });
    }
  }
}

async function readAll(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length > MAX_ANSWER_BYTES) throw new ExecutorError('DOCKER_FAILED', 'Docker\'s answer is too long');
  }
  return text;
}
