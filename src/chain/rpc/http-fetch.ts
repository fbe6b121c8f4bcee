import { Agent as PlainAgent, request as plainRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { MAX_RPC_ANSWER_BYTES } from '../constants.ts';

const plain = new PlainAgent({ keepAlive: true });
const tls = new TlsAgent({ keepAlive: true });
const unzip = promisify(gunzip);

/** What viem asks of an answer. */
type Answer = Pick<Response, 'ok' | 'status' | 'statusText' | 'text'> & { headers: { get(name: string): string | null } };

/**
 * As much of `fetch` as JSON-RPC takes, by Node's own client: a question costs a third of the CPU time. What is out of the ordinary, a redirection,
 * is left to `fetch`.
 *
 * @throws the signal's reason; the connection's error; RangeError for an answer above MAX_RPC_ANSWER_BYTES
 */
export async function httpFetch(url: string, init: { body: string; headers: Record<string, string>; method: string; signal?: AbortSignal | null }): Promise<Answer> {
  const response = await ask(url, init, true);
  const { statusCode: status = 0, statusMessage: statusText = '' } = response.message;
  if (status >= 300 && status < 400) return fetch(url, init);
  const bytes = response.message.headers['content-encoding'] === 'gzip' ? await unzip(response.bytes, { maxOutputLength: MAX_RPC_ANSWER_BYTES }) : response.bytes;
  return {
    ok: status >= 200 && status < 300, status, statusText,
    headers: { get: (name) => { const value = response.message.headers[name.toLowerCase()]; return Array.isArray(value) ? value.join(', ') : value ?? null; } },
    text: async () => bytes.toString('utf8'),
  };
}

interface Raw { message: IncomingMessage; bytes: Buffer }

async function ask(url: string, init: Parameters<typeof httpFetch>[1], first: boolean): Promise<Raw> {
  const { promise, resolve, reject } = Promise.withResolvers<Raw>();
  const { options, secure } = placeOf(url);
  const { signal, body } = init;
  signal?.throwIfAborted();
  const request = (secure ? tlsRequest : plainRequest)({
    ...options, method: init.method, agent: secure ? tls : plain,
    headers: { ...init.headers, 'content-length': Buffer.byteLength(body), 'accept-encoding': 'gzip' },
  });
  const onAbort = () => request.destroy(signal!.reason instanceof Error ? signal!.reason : new Error('aborted'));
  signal?.addEventListener('abort', onAbort, { once: true });
  request.once('response', (message) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    message.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_RPC_ANSWER_BYTES) request.destroy(new RangeError(`the answer has more than ${MAX_RPC_ANSWER_BYTES} bytes`));
    });
    message.once('end', () => resolve({ message, bytes: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) }));
    message.once('error', reject);
  });
  request.once('error', (error: NodeJS.ErrnoException) => {
    // A connection that the endpoint closed while nothing was asked: the question did not get there.
    if (first && request.reusedSocket && error.code === 'ECONNRESET') ask(url, init, false).then(resolve, reject);
    else reject(error);
  });
  request.end(body);
  try {
    return await promise;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Places of the few endpoints that a process talks to. */
const places = new Map<string, { options: RequestOptions; secure: boolean }>();

function placeOf(url: string): { options: RequestOptions; secure: boolean } {
  const known = places.get(url);
  if (known !== undefined) return known;
  const { protocol, hostname, port, pathname, search } = new URL(url);
  const place = { secure: protocol === 'https:', options: { hostname: hostname.replace(/^\[|\]$/g, ''), port, path: pathname + search } };
  if (places.size > 64) places.clear();
  places.set(url, place);
  return place;
}
