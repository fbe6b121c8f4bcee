import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { ExecutorError } from '../errors.ts';
import { systemPath } from '../tool.ts';
import { IMPORT_TIMEOUT_MS, STATE_LABEL } from './constants.ts';
import type { DockerClient } from './docker-client.ts';

/** Where an image of Docker's came from, so that it goes when that is gone. */
export const ROOTFS_LABEL = 'org.gadus.rootfs';

export interface DockerImageInit {
  rootfs: string;
  /** What is left out of it: see `inTheWay`. */
  without: readonly string[];
  /** Names what belongs to the engine's state directory. */
  tag: string;
  signal?: AbortSignal;
}

/**
 * Docker's image of an unpacked root file system, imported at first use: root owns all of it, as in the container engine.
 *
 * @returns its name
 * @throws ExecutorError IMAGE_MISSING, DOCKER_FAILED, TOOL_FAILED, ABORTED
 */
export async function dockerImage(client: DockerClient, { rootfs, without, tag, signal }: DockerImageInit): Promise<string> {
  const found = await stat(rootfs).catch(() => undefined);
  if (!found?.isDirectory()) throw new ExecutorError('IMAGE_MISSING', 'the image is not unpacked here', { details: rootfs });
  const name = `gadus-${tag}`;
  const version = createHash('sha256').update([rootfs, found.ino, found.ctimeMs, ...without].join('\0')).digest('hex').slice(0, 16);
  const options = signal ? { signal } : {};
  const known = await client.call<{ Id?: string }>('GET', `/images/${name}:${version}/json`, { ...options, accept: [404] });
  if (known.Id !== undefined) return `${name}:${version}`;
  const tar = spawn('tar', ['--create', ...(without.length > 0 ? ['--anchored', '--no-wildcards'] : []), '--numeric-owner', '--owner=0', '--group=0', '--directory', rootfs, ...without.map((place) => `--exclude=.${place}`), '.'], { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: systemPath(), LC_ALL: 'C.UTF-8' } });
  let words = '';
  tar.stderr.setEncoding('utf8').on('data', (text: string) => { words = (words + text).slice(-500); });
  const ended = new Promise<number | null>((resolve) => { tar.once('error', () => resolve(null)).once('close', resolve); });
  const labels = [`LABEL ${STATE_LABEL}=${tag}`, `LABEL ${ROOTFS_LABEL}=${JSON.stringify(rootfs)}`].map((label) => `changes=${encodeURIComponent(label)}`).join('&');
  try {
    await client.call('POST', `/images/create?fromSrc=-&repo=${name}&tag=${version}&${labels}`, { ...options, stream: tar.stdout, timeoutMs: IMPORT_TIMEOUT_MS });
  } finally {
    tar.kill('SIGKILL');
  }
  const code = await ended;
  if (code !== 0) {
    await client.call('DELETE', `/images/${name}:${version}?force=1`, { accept: [404] });
    throw new ExecutorError('TOOL_FAILED', 'the image could not be handed to Docker', { details: words.trim() || `tar ended with ${code}` });
  }
  return `${name}:${version}`;
}
