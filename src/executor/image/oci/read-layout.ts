import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { MAX_MANIFEST_BYTES } from '../../constants.ts';
import { ExecutorError } from '../../errors.ts';
import { findImage, type Descriptor, type Platform } from './manifest.ts';

/** A layer's file, and what it must hash to where the image says so. */
export interface LayerFile { path: string; digest?: string }

const dockerManifest = z.array(z.object({ Layers: z.array(z.string()).max(500) })).min(1);

/**
 * The layers, lowest first, of an image laid out in a directory: an OCI image layout
 * (https://github.com/opencontainers/image-spec/blob/main/image-layout.md), or what `docker save` puts into its archives.
 *
 * @returns undefined when the directory holds neither
 * @throws ExecutorError IMAGE_INVALID, IMAGE_UNFIT when it has nothing for the platform
 */
export async function readLayout(directory: string, platform: Platform): Promise<LayerFile[] | undefined> {
  const index = await readPart(directory, 'index.json');
  if (index && await readPart(directory, 'oci-layout')) {
    const { image } = await findImage(index, platform, (digest) => readPart(directory, blobPath(digest)));
    return Promise.all(image.layers.map(async ({ digest }) => ({ path: await layerFile(directory, blobPath(digest)), digest })));
  }
  const docker = await readPart(directory, 'manifest.json');
  if (!docker) return undefined;
  const parsed = dockerManifest.safeParse(parseJson(docker));
  if (!parsed.success) throw new ExecutorError('IMAGE_INVALID', 'the image\'s manifest is not one', { details: 'manifest.json' });
  if (parsed.data.length > 1) throw new ExecutorError('IMAGE_INVALID', 'the archive holds several images', { hint: 'save one image alone' });
  return Promise.all(parsed.data[0]!.Layers.map(async (name) => ({ path: await layerFile(directory, name) })));
}

/** Where a layout keeps content. */
export function blobPath(digest: Descriptor['digest']): string {
  return path.join('blobs', ...digest.split(':'));
}

/** A small file of a layout; undefined when it is not there. */
async function readPart(directory: string, name: string): Promise<Buffer | undefined> {
  const file = await fileWithin(directory, name);
  if (file === undefined) return undefined;
  if ((await stat(file)).size > MAX_MANIFEST_BYTES) throw new ExecutorError('IMAGE_TOO_LARGE', 'the image\'s manifest is too large', { details: name });
  return readFile(file);
}

async function layerFile(directory: string, name: string): Promise<string> {
  const file = await fileWithin(directory, name);
  if (file === undefined) throw new ExecutorError('IMAGE_INVALID', 'the image lacks a layer', { details: name.slice(0, 200) });
  return file;
}

/** A regular file of the directory. Archives may hold links, among themselves and to anywhere: only the first kind is followed. */
async function fileWithin(directory: string, name: string): Promise<string | undefined> {
  const [root, file] = await Promise.all([realpath(directory), realpath(path.join(directory, name)).catch(() => '')]);
  return file.startsWith(`${root}/`) && (await stat(file)).isFile() ? file : undefined;
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
