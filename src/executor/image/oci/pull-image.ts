import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { MAX_IMAGE_BYTES, MAX_MANIFEST_BYTES, PULL_RETRIES, PULL_TIMEOUT_MS, REGISTRY_TIMEOUT_MS } from '../../constants.ts';
import { ExecutorError, aborted } from '../../errors.ts';
import { packRootfs } from '../pack-rootfs.ts';
import { parseSource, type ImageSource } from './image-source.ts';
import { digestOf, findImage, hostPlatform, type Descriptor, type FoundImage, type Image, type Platform } from './manifest.ts';
import { blobPath } from './read-layout.ts';
import { skopeo } from './skopeo.ts';
import { whileGrowing } from './while-growing.ts';

export interface PullImageInit {
  /** As people write it: `debian:12-slim`; or an image of Docker's or Podman's on this machine: `docker-daemon:tool:1`, `containers-storage:tool`. */
  reference: string;
  /** Archive to write. */
  out: string;
  platform?: Platform;
  /** `totalBytes` is left out where nobody knows before. */
  onProgress?: (progress: { bytes: number; totalBytes?: number }) => void;
  /** Longest time in which nothing comes, ms. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/**
 * Fetches an image by skopeo into an archive of an OCI layout: one platform's manifest and layers, as they are in the registry, each checked here against its
 * digest. The same digest gives the same bytes, so the archive's CID pins the image.
 *
 * @returns the manifest's digest
 * @throws ExecutorError REQUEST_INVALID, TOOL_MISSING, IMAGE_MISSING, IMAGE_UNFIT, IMAGE_INVALID, IMAGE_TOO_LARGE, REGISTRY_DENIED, REGISTRY_FAILED, NO_SPACE, TOOL_FAILED, ABORTED
 */
export async function pullImage({ reference, out, platform = hostPlatform(), onProgress = () => {}, timeoutMs = REGISTRY_TIMEOUT_MS, signal }: PullImageInit): Promise<{ digest: string }> {
  const source = parseSource(reference);
  const options = { timeoutMs, ...(signal ? { signal } : {}) };
  const pinned = source.repository === undefined ? undefined : await pin(source, platform, options);
  const totalBytes = pinned && partsOf(pinned.image).reduce((sum, { size }) => sum + size, 0);
  if (totalBytes !== undefined && totalBytes > MAX_IMAGE_BYTES) throw new ExecutorError('IMAGE_TOO_LARGE', 'the image is too large', { details: `${totalBytes} bytes of at most ${MAX_IMAGE_BYTES}` });

  const draft = await mkdtemp(`${path.resolve(out)}.draft-`);
  try {
    const [fetched, layout, temporary] = ['fetched', 'layout', 'tmp'].map((name) => path.join(draft, name)) as [string, string, string];
    await mkdir(temporary);
    await mkdir(path.join(layout, 'blobs', 'sha256'), { recursive: true });
    // `dir:` keeps all as it is; `oci:` would compress what is not, and have other digests.
    const from = pinned ? ['--preserve-digests', `${source.repository}@${pinned.digest}`] : [...(source.daemonHost === undefined ? [] : ['--src-daemon-host', source.daemonHost]), source.name];
    await whileGrowing(draft, {
      silenceMs: timeoutMs, maxBytes: (totalBytes ?? MAX_IMAGE_BYTES) + MAX_MANIFEST_BYTES, ...(signal ? { signal } : {}),
      onBytes: (bytes) => onProgress({ bytes, ...(totalBytes === undefined ? {} : { totalBytes }) }),
    }, (whole) => skopeo(['copy', '--retry-times', String(PULL_RETRIES), '--tmpdir', temporary, ...from, `dir:${fetched}`], source, { timeoutMs: PULL_TIMEOUT_MS, signal: whole }));

    const manifest = await readFile(path.join(fetched, 'manifest.json'));
    if (pinned && digestOf(manifest) !== pinned.digest) throw unlike(pinned.digest, digestOf(manifest));
    const { digest, image } = await findImage(manifest, platform, () => Promise.resolve(undefined));
    for (const part of partsOf(image)) {
      const file = path.join(fetched, part.digest.replace('sha256:', ''));
      await requireDigest(file, part, signal);
      await rename(file, path.join(layout, blobPath(part.digest)));
    }
    await writeFile(path.join(layout, blobPath(digest)), manifest);
    await writeFile(path.join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    await writeFile(path.join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: image.mediaType ?? OCI_MANIFEST, digest, size: manifest.length }] }));
    const archive = path.join(draft, 'image.tar');
    await packRootfs(layout, archive, { modes: 'u=rwX,go=rX', ...(signal ? { signal } : {}) });
    await rename(archive, out);
    return { digest };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** The manifest that a reference means now, and from then on. */
async function pin(source: ImageSource, platform: Platform, options: { timeoutMs: number; signal?: AbortSignal }): Promise<FoundImage> {
  const inspect = async (name: string) => Buffer.from(await skopeo(['inspect', '--raw', name], source, options));
  const first = await inspect(source.name);
  if (source.digest !== undefined && digestOf(first) !== source.digest) throw unlike(source.digest, digestOf(first));
  return findImage(first, platform, (digest) => inspect(`${source.repository}@${digest}`));
}

/** What a manifest names, each once. */
function partsOf({ config, layers }: Image): Descriptor[] {
  return [...new Map([config, ...layers].map((one) => [one.digest, one])).values()];
}

/** skopeo has looked already; what a job's image is should not hang on that. */
async function requireDigest(file: string, { digest, size }: Descriptor, signal?: AbortSignal): Promise<void> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(file), hash, signal ? { signal } : {});
  } catch (cause) {
    if (signal?.aborted) throw aborted(signal);
    throw new ExecutorError('IMAGE_INVALID', 'the image lacks a part', { details: digest, cause });
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (found !== digest) throw unlike(digest, found);
  if ((await stat(file)).size !== size) throw unlike(`${size} bytes`, `${(await stat(file)).size} bytes`);
}

function unlike(wanted: string, got: string): ExecutorError {
  return new ExecutorError('IMAGE_INVALID', 'the registry gave something else', { details: `${got} instead of ${wanted}` });
}
