import { mkdir, rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import { anySignal } from '../../../protocol/index.ts';
import { unpackTar, type UnpackLimits } from '../unpack-tar.ts';
import { IMPLIED_TIME, applyLayer } from './apply-layer.ts';
import { createLayerListing } from './layer-listing.ts';
import { lendLowerFiles } from './lend-lower-files.ts';
import { openLayer } from './open-layer.ts';
import type { LayerFile } from './read-layout.ts';

/**
 * Lays an image's layers, lowest first, one over the other in `directory`, which is empty. Each is unpacked into a directory of its own, where nothing of another
 * one is but the files that its hard links are to; the next one is decompressed meanwhile.
 *
 * @param scratch an empty directory on the same file system: at most two decompressed layers and an unpacked one are in it at a time
 * @throws ExecutorError as `unpackImage`
 */
export async function unpackLayers(
  layers: readonly LayerFile[], directory: string, { scratch, maxBytes, maxEntries, maxNameChars, signal }: { scratch: string; signal?: AbortSignal } & Required<UnpackLimits>,
): Promise<void> {
  const abortable = signal ? { signal } : {};
  const layer = path.join(scratch, 'layer');
  const tarOf = (index: number) => path.join(scratch, `layer-${index}.tar`);
  const over = new AbortController();
  const open = (index: number) => {
    const source = layers[index];
    const opening = source ? openLayer(source, tarOf(index), { maxBytes, signal: anySignal(over.signal, signal) }) : Promise.resolve();
    // It is waited for in time, and fails unheard until then.
    opening.catch(() => undefined);
    return opening;
  };
  let opening = open(0);
  let left = { maxBytes, maxEntries };
  try {
    await utimes(directory, IMPLIED_TIME, IMPLIED_TIME);
    for (const index of layers.keys()) {
      await opening;
      opening = open(index + 1);
      await mkdir(layer);
      const listing = createLayerListing();
      let takeBack = async () => {};
      const { bytes, entries } = await unpackTar(tarOf(index), layer, {
        ...left, maxNameChars, allowEmpty: true, ...abortable,
        onEntry: listing.add,
        async onListed() { takeBack = await lendLowerFiles(listing, { layer, root: directory }); },
      });
      left = { maxBytes: left.maxBytes - bytes, maxEntries: left.maxEntries - entries };
      await takeBack();
      await applyLayer(layer, directory, listing.directories);
      for (const used of [tarOf(index), layer]) await rm(used, { recursive: true, force: true });
    }
  } finally {
    over.abort();
    await opening.catch(() => undefined);
  }
}
