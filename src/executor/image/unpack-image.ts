import { mkdir, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { LONGEST_IMAGE_PATH_CHARS, MAX_IMAGE_BYTES, MAX_IMAGE_ENTRIES } from '../constants.ts';
import { ExecutorError } from '../errors.ts';
import { hostPlatform, type Platform } from './oci/manifest.ts';
import { readLayout } from './oci/read-layout.ts';
import { unpackLayers } from './oci/unpack-layers.ts';
import { isModule } from './refuse-no-image.ts';
import { unpackTar, type UnpackLimits } from './unpack-tar.ts';

/**
 * Unpacks an image of any form into `directory`, which is empty: a tar of a root file system, or an OCI layout, as a folder or an archive, or an archive of
 * `docker save`, whose layers are laid one over the other.
 *
 * @param scratch an empty directory on the same file system, for what is in between
 * @throws ExecutorError by the image's fault IMAGE_INVALID, IMAGE_TOO_LARGE, IMAGE_UNFIT when it has nothing for the platform; by this machine's IMAGE_MISSING, NO_SPACE, TOOL_MISSING,
 *   TOOL_FAILED, ABORTED
 */
export async function unpackImage(
  file: string, directory: string, { scratch, platform = hostPlatform(), maxBytes = MAX_IMAGE_BYTES, maxEntries = MAX_IMAGE_ENTRIES, maxNameChars = LONGEST_IMAGE_PATH_CHARS, signal }:
  { scratch: string; platform?: Platform; signal?: AbortSignal } & UnpackLimits,
): Promise<void> {
  const abortable = signal ? { signal } : {};
  const isFolder = (await stat(file).catch(() => undefined))?.isDirectory() === true;
  const whole = isFolder ? file : path.join(scratch, 'whole');
  if (!isFolder) {
    await refuseModule(file);
    await mkdir(whole);
    await unpackTar(file, whole, { maxBytes, maxEntries, maxNameChars, ...abortable });
  }
  const layers = await readLayout(whole, platform);
  if (!layers) {
    if (isFolder) throw new ExecutorError('IMAGE_INVALID', 'the image is a folder, and no OCI layout', { hint: 'a root file system is an image as a tar' });
    await rename(whole, directory);
    return;
  }
  await unpackLayers(layers, directory, { scratch, maxBytes, maxEntries, maxNameChars, ...abortable });
}

/** Tar would say of a module that it is no archive, and nothing of what to do. */
async function refuseModule(file: string): Promise<void> {
  if (!await isModule(file).catch(() => false)) return;
  throw new ExecutorError('IMAGE_INVALID', 'the image is a WebAssembly module, not a file system', { hint: 'run it with engine wasm' });
}
