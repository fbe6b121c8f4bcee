import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { which } from '../../src/executor/container/runtime.ts';

/** Why nothing can be pulled here; said aloud, for it is a part that is then not tested. */
export const noRegistry: string | false = ['skopeo', 'docker-registry'].filter((tool) => which(tool) === undefined).map((tool) => `${tool} is not installed`).join(', ') || false;
if (noRegistry !== false) process.stderr.write(`pulling from a registry NOT TESTED: ${noRegistry} (apt-get install skopeo docker-registry)\n`);

/** A registry (https://github.com/distribution/distribution) on this machine, with a folder of its own. */
export interface Registry {
  host: string;
  /** Puts a layout's image, or all of its index, under a name such as `team/tool:1.0`. */
  push(layout: string, name: string): void;
  /** Where it keeps a blob. */
  blobPath(digest: string): string;
  process: ChildProcess;
  stop(): Promise<void>;
}

/** The user `me` with the password `secret`, as htpasswd(1) writes it. */
const HTPASSWD = 'me:$2b$04$FXBS4M77XjNt41JR0ZZIY.LHM8j40NyzO57v8ozYwf/KiDj4HKtQi';

export async function startRegistry({ login = false }: { login?: boolean } = {}): Promise<Registry> {
  const dir = mkdtempSync(path.join(tmpdir(), 'gadus-registry-'));
  writeFileSync(path.join(dir, 'htpasswd'), HTPASSWD);
  writeFileSync(path.join(dir, 'config.yml'), JSON.stringify({
    version: 0.1, log: { level: 'info' }, storage: { filesystem: { rootdirectory: path.join(dir, 'data') } }, http: { addr: '127.0.0.1:0', secret: 'of this test' },
    ...(login ? { auth: { htpasswd: { realm: 'gadus', path: path.join(dir, 'htpasswd') } } } : {}),
  }));
  const child = spawn('docker-registry', ['serve', path.join(dir, 'config.yml')], { stdio: ['ignore', 'ignore', 'pipe'] });
  const gone = new Promise<void>((resolve) => { child.once('close', () => resolve()); });
  const end = () => void child.kill('SIGKILL');
  process.once('exit', end);
  const host = await new Promise<string>((resolve, reject) => {
    const said: string[] = [];
    child.once('error', reject).once('close', () => reject(new Error(`docker-registry ended: ${said.join('\n')}`)));
    createInterface(child.stderr).on('line', (line) => {
      said.push(line);
      const [, found] = /listening on (127\.0\.0\.1:\d+)/.exec(line) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  return {
    host, process: child,
    push: (layout, name) => void execFileSync('skopeo', [
      '--insecure-policy', 'copy', '--all', '--preserve-digests', '--dest-tls-verify=false', ...(login ? ['--dest-creds', 'me:secret'] : []), `oci:${layout}`, `docker://${host}/${name}`,
    ], { stdio: 'ignore' }),
    blobPath: (digest) => path.join(dir, 'data/docker/registry/v2/blobs/sha256', digest.slice(7, 9), digest.slice(7), 'data'),
    async stop() {
      process.removeListener('exit', end);
      end();
      await gone;
      rmSync(dir, { recursive: true });
    },
  };
}

/** Writes a layout whose index has an image for each platform. @returns digests of the index and of the manifests */
export function writeIndex(directory: string, images: { platform: { os: string; architecture: string }; blobs: Map<string, Uint8Array>; manifest: string }[], digestOf: (bytes: Uint8Array) => string): string {
  const index = Buffer.from(JSON.stringify({
    schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: images.map(({ platform, blobs, manifest }) => ({ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: manifest, size: blobs.get(manifest)!.length, platform })),
  }));
  const blobs = new Map([...images.flatMap((image) => [...image.blobs]), [digestOf(index), index]]);
  mkdirSync(path.join(directory, 'blobs/sha256'), { recursive: true });
  for (const [digest, bytes] of blobs) writeFileSync(path.join(directory, 'blobs/sha256', digest.slice(7)), bytes);
  writeFileSync(path.join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(path.join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: 'application/vnd.oci.image.index.v1+json', digest: digestOf(index), size: index.length }] }));
  return digestOf(index);
}
