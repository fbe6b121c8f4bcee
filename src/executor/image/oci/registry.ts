import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { anySignal, messageOf } from '../../../protocol/index.ts';
import { MAX_MANIFEST_BYTES, REGISTRY_GRACE_MS, REGISTRY_TIMEOUT_MS } from '../../constants.ts';
import { ExecutorError, aborted } from '../../errors.ts';
import type { Descriptor } from './manifest.ts';
import type { ImageReference } from './parse-reference.ts';

/** Reading from one repository: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull */
export interface Repository {
  /** @throws ExecutorError IMAGE_MISSING, IMAGE_INVALID when a digest does not fit, IMAGE_TOO_LARGE, REGISTRY_FAILED, ABORTED */
  manifest(reference: string): Promise<{ bytes: Buffer; digest: string; mediaType: string }>;
  /** Writes a blob to a file, checked against its size and digest. @throws as `manifest` */
  blob(descriptor: Descriptor, file: string): Promise<void>;
}

const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json', 'application/vnd.docker.distribution.manifest.v2+json',
];
/** Where Docker's own images are served. */
const HOSTS: Record<string, string> = { 'docker.io': 'registry-1.docker.io' };

/** Opens a repository for reading; over plain HTTP only on this machine. Asks for a token where the registry wants one. */
export function openRepository({ registry, repository }: Pick<ImageReference, 'registry' | 'repository'>, { signal, timeoutMs = REGISTRY_TIMEOUT_MS }: { signal?: AbortSignal; timeoutMs?: number } = {}): Repository {
  const host = HOSTS[registry] ?? registry;
  const base = `${/^(localhost|127\.0\.0\.1)(:|$)/.test(host) ? 'http' : 'https'}://${host}/v2/${repository}`;
  let authorization: string | undefined;

  const get = async (url: string, silence: Silence, accept: string[] = [], again = true): Promise<Response> => {
    let response: Response;
    try {
      response = await fetch(url, {
        headers: { ...(accept.length > 0 ? { accept: accept.join(', ') } : {}), ...(authorization === undefined ? {} : { authorization }) }, signal: silence.signal,
      });
      silence.broken();
    } catch (cause) {
      if (signal?.aborted) throw aborted(signal);
      throw new ExecutorError('REGISTRY_FAILED', 'the registry cannot be reached', { details: `${host}: ${messageOf(cause)}`, cause });
    }
    if (response.status === 401 && again) {
      await response.body?.cancel();
      authorization = await authorize(response.headers.get('www-authenticate') ?? '', registry, signal);
      return get(url, silence, accept, false);
    }
    if (response.ok) return response;
    await response.body?.cancel();
    if (response.status === 404) throw new ExecutorError('IMAGE_MISSING', 'the registry has no such image', { details: url });
    throw new ExecutorError('REGISTRY_FAILED', 'the registry refused', {
      details: `${response.status} for ${url}`,
      ...(response.status === 401 || response.status === 403 ? { hint: `skopeo login ${registry}, or docker login, stores credentials that are used here` } : {}),
    });
  };

  return {
    async manifest(reference) {
      const silence = silenceOf(timeoutMs, signal);
      try {
        const response = await get(`${base}/manifests/${reference}`, silence, MANIFEST_TYPES);
        const bytes = await bounded(response, MAX_MANIFEST_BYTES);
        const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
        if (reference.startsWith('sha256:') && digest !== reference) throw unlike(reference, digest);
        return { bytes, digest, mediaType: response.headers.get('content-type') ?? '' };
      } finally {
        silence.over();
      }
    },
    async blob({ digest, size }, file) {
      const silence = silenceOf(timeoutMs, signal);
      const hash = createHash('sha256');
      let got = 0;
      const check = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          silence.broken();
          got += chunk.length;
          hash.update(chunk);
          done(got > size ? unlike(digest, `more than ${size} bytes`) : null, chunk);
        },
      });
      try {
        const response = await get(`${base}/blobs/${digest}`, silence);
        await pipeline(Readable.fromWeb(response.body! as never), check, createWriteStream(file, { mode: 0o600 }), signal ? { signal } : {});
      } catch (cause) {
        if (signal?.aborted) throw aborted(signal);
        if (cause instanceof ExecutorError) throw cause;
        throw new ExecutorError('REGISTRY_FAILED', 'the registry stopped in the middle', { details: `${digest}: ${messageOf(cause)}`, cause });
      } finally {
        silence.over();
      }
      const found = `sha256:${hash.digest('hex')}`;
      if (found !== digest || got !== size) throw unlike(digest, found);
    },
  };
}

/** Aborts when the other side has said nothing for so long: a large layer may take its time as long as it comes. */
interface Silence { signal: AbortSignal; broken(): void; over(): void }

function silenceOf(timeoutMs: number, signal?: AbortSignal): Silence {
  const controller = new AbortController();
  // What came while this process was busy is read only after its timers have run.
  let last: NodeJS.Timeout | undefined;
  const timer = setTimeout(() => { last = setTimeout(() => controller.abort(new Error(`nothing for ${timeoutMs} ms`)), REGISTRY_GRACE_MS); }, timeoutMs);
  return {
    signal: anySignal(controller.signal, signal),
    broken() {
      clearTimeout(last);
      timer.refresh();
    },
    over() {
      clearTimeout(last);
      clearTimeout(timer);
    },
  };
}

/** Answers a registry's challenge: https://distribution.github.io/distribution/spec/auth/token/ */
async function authorize(challenge: string, registry: string, signal?: AbortSignal): Promise<string> {
  const basic = await credentials(registry);
  if (/^basic/i.test(challenge) && basic !== undefined) return `Basic ${basic}`;
  const fields = Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]));
  if (!/^bearer/i.test(challenge) || fields['realm'] === undefined) {
    throw new ExecutorError('REGISTRY_FAILED', 'the registry wants credentials', { details: registry, hint: `skopeo login ${registry}, or docker login, stores credentials that are used here` });
  }
  try {
    const url = new URL(fields['realm']);
    for (const key of ['service', 'scope']) if (fields[key] !== undefined) url.searchParams.set(key, fields[key]);
    const response = await fetch(url, {
      ...(basic === undefined ? {} : { headers: { authorization: `Basic ${basic}` } }),
      signal: anySignal(AbortSignal.timeout(REGISTRY_TIMEOUT_MS), signal),
    });
    if (!response.ok) throw new Error(`${response.status} for ${url.origin}${url.pathname}`);
    const answer = JSON.parse((await bounded(response, MAX_MANIFEST_BYTES)).toString('utf8')) as { token?: unknown; access_token?: unknown };
    const token = answer.token ?? answer.access_token;
    if (typeof token !== 'string') throw new Error('no token in the answer');
    return `Bearer ${token}`;
  } catch (cause) {
    if (signal?.aborted) throw aborted(signal);
    throw new ExecutorError('REGISTRY_FAILED', 'the registry gave no token', { details: messageOf(cause), cause });
  }
}

/** User and password for a registry in base64, from the files that skopeo and docker write (containers-auth.json(5)). */
async function credentials(registry: string): Promise<string | undefined> {
  const files = [
    process.env['REGISTRY_AUTH_FILE'], `${process.env['XDG_RUNTIME_DIR'] ?? '/nonexistent'}/containers/auth.json`,
    path.join(process.env['DOCKER_CONFIG'] ?? path.join(homedir(), '.docker'), 'config.json'),
  ];
  for (const file of files) {
    if (file === undefined) continue;
    try {
      const { auths } = JSON.parse(await readFile(file, 'utf8')) as { auths?: Record<string, { auth?: string }> };
      const found = auths?.[registry]?.auth ?? (registry === 'docker.io' ? auths?.['https://index.docker.io/v1/']?.auth : undefined);
      if (found) return found;
    } catch {
      // Not there, or not for us.
    }
  }
  return undefined;
}

async function bounded(response: Response, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > limit) throw new ExecutorError('IMAGE_TOO_LARGE', 'the registry\'s answer is too large', { details: `more than ${limit} bytes` });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function unlike(wanted: string, got: string): ExecutorError {
  return new ExecutorError('IMAGE_INVALID', 'the registry gave something else', { details: `${got} instead of ${wanted}` });
}
