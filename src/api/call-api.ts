import { messageOf } from '../protocol/index.ts';
import { ApiError } from './errors.ts';
import { BYTES_TYPE, LINES_TYPE } from './long-answer.ts';

export interface ApiTarget { url: string; token: string }

export interface CallOptions { signal?: AbortSignal | undefined; onProgress?: ((progress: Progress) => void) | undefined }

/** How far a node has come: of an addition or a fetch bytes and blocks, of anything else perhaps nothing. */
export interface Progress { bytes?: number; blocks?: number }

interface Answer { result?: unknown; progress?: Progress; error?: { code?: string; message?: string; details?: string; hint?: string } }

/**
 * Calls a node's HTTP API, for as long as it takes.
 *
 * @param body a value, or bytes as they come, which are told when no more of them are wanted
 * @param options.onProgress told now and then how far the node has come
 * @throws ApiError API_UNREACHABLE, API_REFUSED
 */
export async function callApi(target: ApiTarget, method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown, options: CallOptions = {}): Promise<unknown> {
  if (!isStream(body)) return call(target, method, path, body, options);
  const bytes = body[Symbol.asyncIterator]();
  try {
    return await call(target, method, path, ReadableStream.from({ [Symbol.asyncIterator]: () => bytes }), options);
  } finally {
    // A node that has answered does not read on, and fetch does not say so.
    void bytes.return?.()?.catch(() => {});
  }
}

async function call(target: ApiTarget, method: string, path: string, body: unknown, { signal, onProgress }: CallOptions): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(new URL(path, target.url), {
      method, headers: { authorization: `Bearer ${target.token}`, 'content-type': isStream(body) ? BYTES_TYPE : 'application/json', accept: `${LINES_TYPE}, application/json` },
      ...(body === undefined ? {} : isStream(body) ? { body, duplex: 'half' } : { body: JSON.stringify(body) }), ...(signal === undefined ? {} : { signal }),
    } as RequestInit);
  } catch (cause) {
    signal?.throwIfAborted();
    throw unreachable(target, cause);
  }
  const lines = response.headers.get('content-type') === LINES_TYPE;
  const value = lines ? await readLines(response, target, { signal, onProgress }) : await response.json().catch(() => ({})) as Answer;
  if (response.ok && !lines) return value;
  if ('result' in value) return value.result;
  throw new ApiError('API_REFUSED', value.error?.message ?? `the node answered ${response.status}`, {
    ...(value.error?.details === undefined ? {} : { details: value.error.details }),
    ...(value.error?.hint === undefined ? {} : { hint: value.error.hint }),
  });
}

function isStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

/** The last line of an answer that takes long. @throws ApiError API_UNREACHABLE when it ends before that */
async function readLines(response: Response, target: ApiTarget, { signal, onProgress }: CallOptions): Promise<Answer> {
  let last: Answer = {};
  try {
    let rest = '';
    for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        last = JSON.parse(line) as Answer;
        if (last.progress !== undefined) onProgress?.(last.progress);
      }
    }
    if (!('result' in last) && last.error === undefined) throw new Error('the answer is cut off');
  } catch (cause) {
    signal?.throwIfAborted();
    throw unreachable(target, cause);
  }
  return last;
}

function unreachable(target: ApiTarget, cause: unknown): ApiError {
  return new ApiError('API_UNREACHABLE', 'the node\'s API does not answer', {
    details: `${target.url}: ${messageOf((cause as Error).cause ?? cause)}`, hint: 'is the node running? gadus doctor tells what this machine has', cause,
  });
}
