import { parseReference } from './parse-reference.ts';

/** Where an image is fetched from. */
export interface ImageSource {
  /** As skopeo takes it, e.g. `docker://docker.io/library/debian:12`. */
  name: string;
  /** The same without tag and digest, where parts can be had by digest. */
  repository?: string;
  registry?: string;
  /** What the name pins: of an index or of one platform's manifest. */
  digest?: string;
  /** Speaks plain HTTP to this machine itself; to others only where registries.conf says so. */
  plainHttp?: true;
}

/** Stores of this machine: what Docker has, what Podman and Buildah have. */
const STORES = ['docker-daemon:', 'containers-storage:'];

/**
 * Reads where an image comes from: a reference as people write it, with or without `docker://`, or `docker-daemon:NAME:TAG`, `containers-storage:NAME`.
 *
 * @throws ExecutorError REQUEST_INVALID
 */
export function parseSource(text: string): ImageSource {
  if (STORES.some((store) => text.startsWith(store) && text.length > store.length && text.length <= 300)) return { name: text };
  const { registry, repository, reference } = parseReference(text.replace(/^docker:\/\//, ''));
  const base = `docker://${registry}/${repository}`;
  return {
    name: isDigest(reference) ? `${base}@${reference}` : `${base}:${reference}`, repository: base, registry, ...(isDigest(reference) ? { digest: reference } : {}),
    ...(/^(localhost|127\.0\.0\.1)(:|$)/.test(registry) ? { plainHttp: true as const } : {}),
  };
}

function isDigest(reference: string): boolean {
  return reference.startsWith('sha256:');
}
