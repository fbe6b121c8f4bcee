import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { afterSilence } from '../../protocol/base/after-silence.ts';
import { abortable } from '../../protocol/base/abortable.ts';
import { isError, messageOf } from '../../protocol/base/errors.ts';
import { StorageError } from '../errors.ts';
import { drop } from '../stream/buffers.ts';
import { checkHost, lookupPublic } from './check-address.ts';
import { GATEWAY_HEAD_TIMEOUT_MS, MAX_REDIRECTS } from './constants.ts';

export interface HttpGetInit {
  signal: AbortSignal;
  headers?: Record<string, string>;
  method?: 'GET' | 'HEAD';
  /** The host is named by the configuration, not by others: it may be on this machine or network. Redirects elsewhere may not. */
  trusted?: boolean;
  /** Until the head of the answer is there. */
  timeoutMs?: number;
}

/** The head of an answer; its body is to be read or destroyed. Its chunks have no other user than their reader, who may free them. */
export interface HttpAnswer { status: number; headers: IncomingMessage['headers']; body: IncomingMessage; url: URL }

/**
 * Asks a host that is not trusted: neither its redirects nor its name lead to this machine or its network, unless the configuration
 * named that very host. The body is not limited: whoever reads it does that.
 *
 * @throws StorageError ADDRESS_REFUSED, HTTP_FAILED, STALLED; the signal's reason
 */
export async function httpGet(url: URL, init: HttpGetInit): Promise<HttpAnswer> {
  const { signal, trusted = false, timeoutMs = GATEWAY_HEAD_TIMEOUT_MS } = init;
  const until = performance.now() + timeoutMs;
  let at = url;
  for (let redirects = 0; ; redirects++) {
    // The body may take longer than its head: this deadline ends with the head.
    const late = new AbortController();
    const came = afterSilence(until - performance.now(), () => late.abort(new Error('no answer')));
    const answer = await getOnce(at, init, trusted && at.host === url.host, anySignal(signal, late.signal)).finally(came).catch((error: unknown) => {
      signal.throwIfAborted();
      if (late.signal.aborted) throw new StorageError('STALLED', 'no answer came', { details: `from ${at.host} within ${timeoutMs} ms`, cause: error });
      if (isError(error)) throw error;
      throw new StorageError('HTTP_FAILED', 'the host cannot be asked', { details: `${at.host}: ${messageOf(error)}`, cause: error });
    });
    const { location } = answer.headers;
    if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return answer;
    answer.body.destroy();
    if (redirects >= MAX_REDIRECTS) throw new StorageError('HTTP_FAILED', 'too many redirects', { details: url.host });
    if (!URL.canParse(location, at.href)) throw new StorageError('HTTP_FAILED', 'a redirect to nowhere', { details: `${at.host}: ${location.slice(0, 100)}` });
    const next = new URL(location, at);
    if (at.protocol === 'https:' && next.protocol !== 'https:') throw new StorageError('HTTP_FAILED', 'a redirect away from HTTPS', { details: next.host });
    at = next;
  }
}

/** Apart, since a connection is taken up again by its host's name: one to a host of the configuration must not serve a stranger's name for it. */
const AGENTS = {
  trusted: { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) },
  strangers: { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) },
};

const freed = new WeakSet<Socket>();

/**
 * Frees what is read from a connection as soon as Node's parser has copied the body out of it: the garbage collector, which does not see the size
 * of buffers, would let a hundred megabytes of them pile up.
 */
function freeReads(socket: Socket): void {
  // Connections are used again.
  if (freed.has(socket)) return;
  freed.add(socket);
  socket.on('data', (chunk: Buffer<ArrayBuffer>) => { process.nextTick(drop, chunk); });
}

async function getOnce(url: URL, { headers, method = 'GET' }: HttpGetInit, trusted: boolean, signal: AbortSignal): Promise<HttpAnswer> {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new StorageError('HTTP_FAILED', 'neither HTTP nor HTTPS', { details: url.protocol });
  if (!trusted) checkHost(url.hostname);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { method, signal, headers: { 'user-agent': 'gadus', ...headers }, ...(trusted ? {} : { lookup: lookupPublic }) };
  const agents = AGENTS[trusted ? 'trusted' : 'strangers'];
  const request = url.protocol === 'https:' ? requestHttps(url, { ...options, agent: agents.https }) : requestHttp(url, { ...options, agent: agents.http });
  request.once('socket', freeReads);
  request.once('response', resolve);
  request.on('error', reject);
  request.end();
  const body = await abortable(promise, signal);
  // An error after the head is the reader's to see, if there is one.
  body.on('error', () => {});
  return { status: body.statusCode ?? 0, headers: body.headers, body, url };
}
