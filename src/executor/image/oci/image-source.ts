import { dockerSocket } from '../../docker/docker-socket.ts';
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
  /** Docker's socket, of which skopeo itself knows one place only. */
  daemonHost?: string;
}

/**
 * Reads where an image comes from: a reference as people write it, with or without `docker://`, or of another program's store on
 * this machine: `docker-daemon:NAME:TAG` of Docker's, `containers-storage:NAME` of Podman's and Buildah's.
 *
 * @throws ExecutorError REQUEST_INVALID
 */
export function parseSource(text: string): ImageSource {
  const [, store, name] = /^(docker-daemon:|containers-storage:)(.{1,300})$/.exec(text) ?? [];
  if (store === 'containers-storage:') return { name: text };
  if (store === 'docker-daemon:') return { name: /[:@][^/]*$/.test(name!) ? text : `${text}:latest`, daemonHost: `unix://${dockerSocket()}` };
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
