import { ExecutorError } from '../../errors.ts';

/** Where an image is: a registry's host, a repository in it, and a tag or a digest. */
export interface ImageReference { registry: string; repository: string; reference: string }

const DEFAULT_REGISTRY = 'docker.io';
const DEFAULT_TAG = 'latest';

/**
 * Reads a reference as people write it: https://github.com/distribution/reference
 *
 * @throws ExecutorError REQUEST_INVALID
 * @example parseReference('debian:12-slim') // docker.io, library/debian, 12-slim
 */
export function parseReference(text: string): ImageReference {
  const match = /^(?:(?<host>[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d{1,5})?)\/)?(?<path>[a-z0-9]+(?:(?:[._]|__|-+|\/)[a-z0-9]+)*)(?::(?<tag>\w[\w.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$/.exec(text);
  if (!match || text.length > 300) {
    throw new ExecutorError('REQUEST_INVALID', 'not an image reference', { details: JSON.stringify(text.slice(0, 100)), hint: 'such as debian:12-slim, or registry.example/name@sha256:…' });
  }
  const { host, path = '', tag, digest } = match.groups!;
  // A first part that looks like no host is part of the name.
  const isHost = host !== undefined && (/[.:]/.test(host) || host === 'localhost');
  const registry = isHost ? host : DEFAULT_REGISTRY;
  const name = isHost || host === undefined ? path : `${host}/${path}`;
  return {
    registry,
    repository: registry === DEFAULT_REGISTRY && !name.includes('/') ? `library/${name}` : name,
    reference: digest ?? tag ?? DEFAULT_TAG,
  };
}
