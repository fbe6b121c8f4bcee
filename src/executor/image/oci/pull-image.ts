import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MAX_IMAGE_BYTES } from '../../constants.ts';
import { ExecutorError } from '../../errors.ts';
import { packRootfs } from '../pack-rootfs.ts';
import { choosePlatform, hostPlatform, parseImageDocument, type Descriptor, type Platform } from './manifest.ts';
import { parseReference } from './parse-reference.ts';
import { blobPath } from './read-layout.ts';
import { openRepository } from './registry.ts';

export interface PullImageInit {
  /** As people write it: `debian:12-slim`. */
  reference: string;
  /** Archive to write. */
  out: string;
  platform?: Platform;
  onProgress?: (line: string) => void;
  /** Longest silence of the registry, ms. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/**
 * Fetches an image from a registry into an archive of an OCI layout: one platform's manifest and layers, each checked against its
 * digest. The same digest gives the same bytes, so the archive's CID pins the image.
 *
 * @returns the manifest's digest
 * @throws ExecutorError REQUEST_INVALID, IMAGE_MISSING, IMAGE_INVALID, IMAGE_TOO_LARGE, REGISTRY_FAILED, TOOL_FAILED, ABORTED
 */
export async function pullImage({ reference, out, platform = hostPlatform(), onProgress = () => {}, timeoutMs, signal }: PullImageInit): Promise<{ digest: string }> {
  const parsed = parseReference(reference);
  const repository = openRepository(parsed, { ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(signal ? { signal } : {}) });
  let fetched = await repository.manifest(parsed.reference);
  let document = parseImageDocument(fetched.bytes);
  if ('manifests' in document) {
    fetched = await repository.manifest(choosePlatform(document, platform).digest);
    document = parseImageDocument(fetched.bytes);
  }
  if ('manifests' in document) throw new ExecutorError('IMAGE_INVALID', 'the image\'s indexes have no end', {});
  const { config, layers } = document;
  const total = layers.reduce((sum, { size }) => sum + size, 0);
  if (total > MAX_IMAGE_BYTES) throw new ExecutorError('IMAGE_TOO_LARGE', 'the image is too large', { details: `${total} bytes of at most ${MAX_IMAGE_BYTES}` });

  const draft = await mkdtemp(`${path.resolve(out)}.draft-`);
  try {
    const layout = path.join(draft, 'layout');
    await mkdir(path.join(layout, 'blobs', 'sha256'), { recursive: true });
    const unique = new Map<string, Descriptor>([config, ...layers].map((one) => [one.digest, one]));
    for (const one of unique.values()) {
      onProgress(`${one.digest.slice(0, 19)}  ${one.size} bytes`);
      await repository.blob(one, path.join(layout, blobPath(one.digest)));
    }
    await writeFile(path.join(layout, blobPath(fetched.digest)), fetched.bytes);
    await writeFile(path.join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    const entry = { mediaType: document.mediaType ?? fetched.mediaType, digest: fetched.digest, size: fetched.bytes.length };
    await writeFile(path.join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
    const archive = path.join(draft, 'image.tar');
    await packRootfs(layout, archive, { modes: 'u=rwX,go=rX', ...(signal ? { signal } : {}) });
    await rename(archive, out);
    return { digest: fetched.digest };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
