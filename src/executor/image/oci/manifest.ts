import { createHash } from 'node:crypto';
import { z } from 'zod';
import { messageOf } from '../../../protocol/index.ts';
import { ExecutorError } from '../../errors.ts';

/** Content by digest: https://github.com/opencontainers/image-spec/blob/main/descriptor.md */
export interface Descriptor { mediaType?: string | undefined; digest: string; size: number }

/** Where images are made for: this machine, unless told otherwise. */
export interface Platform { os: string; architecture: string }

const descriptor = z.object({
  mediaType: z.string().optional(),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'is not a sha256 digest'),
  size: z.number().int().nonnegative(),
  platform: z.object({ os: z.string(), architecture: z.string() }).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
const document = z.union([
  z.object({ manifests: z.array(descriptor).min(1).max(1000) }),
  z.object({ mediaType: z.string().optional(), config: descriptor, layers: z.array(descriptor).max(500) }),
]);

/** An index of images, or one image: OCI's and Docker's forms are the same as far as is read here. */
export type ImageDocument = z.output<typeof document>;
/** One image: its configuration, and its layers, lowest first. */
export type Image = Extract<ImageDocument, { layers: unknown }>;
export interface FoundImage { image: Image; digest: string }

/** An index may name another, but not for ever. */
const MAX_DEPTH = 4;

const ARCHITECTURES: Record<string, string> = { x64: 'amd64', ia32: '386', arm: 'arm', arm64: 'arm64', riscv64: 'riscv64', ppc64: 'ppc64le', s390x: 's390x' };

/** The platform of this machine, in the words of image indexes. */
export function hostPlatform(): Platform {
  return { os: 'linux', architecture: ARCHITECTURES[process.arch] ?? process.arch };
}

/** Reads an index or a manifest. @throws ExecutorError IMAGE_INVALID */
export function parseImageDocument(bytes: Uint8Array): ImageDocument {
  try {
    return document.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    throw new ExecutorError('IMAGE_INVALID', 'the image\'s manifest is not one', { details: messageOf(error).slice(0, 300) });
  }
}

/** The entry of an index for a platform; the only entry where there is one without platform. @throws ExecutorError IMAGE_UNFIT */
export function choosePlatform({ manifests }: Extract<ImageDocument, { manifests: unknown }>, wanted: Platform): Descriptor {
  const found = manifests.find(({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture)
    ?? (manifests.length === 1 && manifests[0]!.platform === undefined ? manifests[0] : undefined);
  if (found) return found;
  const there = manifests.map(({ platform }) => (platform ? `${platform.os}/${platform.architecture}` : 'unnamed'));
  throw new ExecutorError('IMAGE_UNFIT', 'the image is not made for this kind of machine', { details: `wanted ${wanted.os}/${wanted.architecture}, there is ${there.join(', ')}` });
}

/** `sha256:…`, as manifests name content. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/**
 * The image for a platform that a document leads to, through indexes and indexes of indexes; each that is read is what its digest says.
 *
 * @param read a document by its digest, undefined where it is not there
 * @throws ExecutorError IMAGE_INVALID, IMAGE_UNFIT when there is nothing for the platform, and what `read` throws
 */
export async function findImage(first: Uint8Array, platform: Platform, read: (digest: string) => Promise<Uint8Array | undefined>): Promise<FoundImage> {
  let bytes = first;
  for (let depth = 0; depth <= MAX_DEPTH; depth++) {
    const found = parseImageDocument(bytes);
    if (!('manifests' in found)) return { image: found, digest: digestOf(bytes) };
    const { digest } = choosePlatform(found, platform);
    const next = await read(digest);
    if (!next) throw new ExecutorError('IMAGE_INVALID', 'the image lacks a part', { details: digest });
    if (digestOf(next) !== digest) throw new ExecutorError('IMAGE_INVALID', 'a manifest is not what the image says', { details: digest });
    bytes = next;
  }
  throw new ExecutorError('IMAGE_INVALID', 'the image\'s indexes have no end', {});
}
