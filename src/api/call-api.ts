import { messageOf } from '../protocol/index.ts';
import { ApiError } from './errors.ts';

export interface ApiTarget { url: string; token: string }

/**
 * Calls a node's HTTP API.
 *
 * @throws ApiError API_UNREACHABLE, API_REFUSED
 */
export async function callApi(target: ApiTarget, method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown, { signal }: { signal?: AbortSignal } = {}): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(new URL(path, target.url), {
      method, headers: { authorization: `Bearer ${target.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }), ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ApiError('API_UNREACHABLE', 'the node\'s API does not answer', {
      details: `${target.url}: ${messageOf((cause as Error).cause ?? cause)}`, hint: 'is the node running? gadus doctor tells what this machine has', cause,
    });
  }
  const value = (await response.json().catch(() => ({}))) as { error?: { code?: string; message?: string; details?: string; hint?: string } };
  if (response.ok) return value;
  throw new ApiError('API_REFUSED', value.error?.message ?? `the node answered ${response.status}`, {
    ...(value.error?.details === undefined ? {} : { details: value.error.details }),
    ...(value.error?.hint === undefined ? {} : { hint: value.error.hint }),
  });
}
