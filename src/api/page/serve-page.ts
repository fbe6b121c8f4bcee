import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from '../errors.ts';
import { renderNodeBody, renderNodePage } from './render-node.ts';
import type { NodeViewer } from './view-node.ts';

/** How long a browser may go on without the link, s. */
const COOKIE_SECONDS = 30 * 86_400;

/** The page's own key: a link ends up in logs and histories, and whoever finds it there must not have the API by it. */
export function pageKeyOf(token: string): string {
  return createHash('sha256').update(`page of ${token}`).digest('base64url');
}

/**
 * The operator's page: looks, never acts. Who opens it by its link gets a cookie, and the key leaves the address bar.
 *
 * @param key that of `pageKeyOf`
 * @returns whether the request was for the page
 * @throws ApiError UNAUTHORISED
 */
export async function servePage(viewer: NodeViewer, key: string, incoming: IncomingMessage, outgoing: ServerResponse, signal: AbortSignal): Promise<boolean> {
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://localhost');
  if (incoming.method !== 'GET' || (pathname !== '/' && pathname !== '/body')) return false;
  // Named by node, for a browser gives cookies to all ports of a machine alike.
  const cookie = `gadus-${key.slice(0, 8)}=${key}`;
  const given = searchParams.get('key');
  if (given !== null) {
    if (!isSame(given, key)) throw refused();
    outgoing.writeHead(303, { location: '/', 'set-cookie': `${cookie}; Max-Age=${COOKIE_SECONDS}; Path=/; HttpOnly; SameSite=Strict`, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }).end();
    return true;
  }
  const known = (incoming.headers.cookie ?? '').split(/;\s*/).some((one) => isSame(one, cookie));
  if (!known) throw refused();
  const nonce = randomBytes(16).toString('base64');
  const view = await viewer.look(signal);
  outgoing.writeHead(200, {
    'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer',
    'content-security-policy': `default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-${nonce}'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
  });
  outgoing.end(pathname === '/' ? renderNodePage(view, Date.now(), nonce) : renderNodeBody(view, Date.now()));
  return true;
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const refused = () => new ApiError('UNAUTHORISED', 'the page is opened by its link', { hint: 'gadus serve prints it when it starts' });
