import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { ExecutorError } from '../../errors.ts';
import { runTool, systemPath } from '../../tool.ts';
import type { ImageSource } from './image-source.ts';

/**
 * Runs skopeo (https://github.com/containers/skopeo), with the user's own settings: credentials and their helpers, registries.conf, proxies.
 *
 * @returns what it wrote to stdout
 * @throws ExecutorError TOOL_MISSING, IMAGE_MISSING, IMAGE_INVALID, REGISTRY_DENIED, REGISTRY_FAILED, NO_SPACE, ABORTED
 */
export async function skopeo(args: string[], source: ImageSource, { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal }): Promise<string> {
  const [command = '', ...rest] = args;
  const verify = source.plainHttp ? [command === 'copy' ? '--src-tls-verify=false' : '--tls-verify=false'] : [];
  try {
    const { stdout } = await runTool('skopeo', [...policy(), command, ...verify, ...rest], {
      env: { ...process.env as Record<string, string>, PATH: systemPath(), LC_ALL: 'C.UTF-8' }, timeoutMs, ...(signal ? { signal } : {}),
    });
    return stdout;
  } catch (error) {
    throw error instanceof ExecutorError && error.code === 'TOOL_FAILED' ? skopeoFailure(error, source) : error;
  }
}

/** The version that is installed. @throws ExecutorError TOOL_MISSING, TOOL_FAILED, ABORTED */
export async function skopeoVersion({ signal }: { signal?: AbortSignal } = {}): Promise<string> {
  const { stdout } = await runTool('skopeo', ['--version'], signal ? { signal } : {});
  return /\d+(\.\d+)+\S*/.exec(stdout)?.[0] ?? stdout.trim();
}

/** Debian brings a policy on signatures, other systems none, without which skopeo does nothing. Where somebody made one it holds; digests are checked in any case. */
function policy(): string[] {
  const made = [path.join(homedir(), '.config/containers/policy.json'), '/etc/containers/policy.json'].some((file) => existsSync(file));
  return made ? [] : ['--insecure-policy'];
}

/** What shows the images of another program's store. */
const LISTINGS: Record<string, string> = { 'docker-daemon': 'docker images shows what there is', 'containers-storage': 'podman images shows what there is' };
/** What skopeo says of failures, the first that fits: it has one exit code for all of them. */
const MEANINGS: [RegExp, ConstructorParameters<typeof ExecutorError>[0], string, ((source: ImageSource) => string | undefined)?][] = [
  [/no space left on device|disk quota exceeded/i, 'NO_SPACE', 'there is no room for the image', () => 'free some, or name a larger disk in TMPDIR'],
  [/did not match|does not match|digest mismatch/i, 'IMAGE_INVALID', 'the registry gave something else'],
  [/rejected by policy|signature was required|signature verification failed/i, 'REGISTRY_DENIED', 'this machine\'s policy on signatures refuses the image', () => 'containers-policy.json(5) tells what may be fetched'],
  [/toomanyrequests|too many requests/i, 'REGISTRY_FAILED', 'the registry has had enough requests for now', ({ registry }) => `wait, or log in: skopeo login ${registry}`],
  [/unauthorized|authentication required|(?<!permission )denied|forbidden|invalid username\/password/i, 'REGISTRY_DENIED', 'the registry does not let this user have the image',
    ({ registry }) => (registry === undefined ? undefined : `skopeo login ${registry} (some registries say so of what is not there)`)],
  [/manifest unknown|name unknown|repository name not known|status code from registry 404|no such image|not an image|image not known|reference\b.*\bdoes not exist/i, 'IMAGE_MISSING', 'there is no such image', ({ name, repository }) => (repository === undefined ? LISTINGS[name.split(':')[0]!] : `skopeo list-tags ${repository} shows what there is of this name`)],
  [/x509|certificate|http response to https client/i, 'REGISTRY_FAILED', 'the registry does not prove who it is', () => 'containers-certs.d(5) says where its certificate goes, containers-registries.conf(5) how to do without'],
  [/docker daemon|docker engine/i, 'REGISTRY_FAILED', 'Docker does not answer', () => 'docker info shows whether its daemon runs; DOCKER_HOST names its socket'],
  [/no end after/i, 'REGISTRY_FAILED', 'the registry does not answer', ({ registry }) => (registry === undefined ? undefined : `see whether ${registry} can be reached from here`)],
  [/pinging container registry|dial tcp|no such host|timeout|connection re(set|fused)|unexpected eof/i, 'REGISTRY_FAILED', 'the registry cannot be reached',
    ({ registry }) => (registry === undefined ? undefined : `see whether ${registry} can be reached from here; HTTPS_PROXY names a proxy`)],
];

/** What a failure means, by its words, which are those of skopeo 1.9. */
export function skopeoFailure(error: ExecutorError, source: ImageSource): ExecutorError {
  const said = error.details ?? '';
  // Retries are told of before, as warnings.
  const words = (/.*level=fatal msg="(.*)"/s.exec(said)?.[1] ?? said).replaceAll('\\"', '"').trim();
  const found = MEANINGS.find(([pattern]) => pattern.test(words));
  const hint = found?.[3]?.(source);
  return new ExecutorError(found?.[1] ?? 'REGISTRY_FAILED', found?.[2] ?? 'skopeo could not fetch the image', { details: words, cause: error, ...(hint === undefined ? {} : { hint }) });
}
