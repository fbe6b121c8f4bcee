import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { buildDebianImage, createImageStore } from '../../src/executor/index.ts';
import { messageOf } from '../../src/protocol/index.ts';
import { LabError } from './errors.ts';
import { wasmModule } from './wasm-module.ts';
import { IMAGE_PACKAGES, type ImageName } from './programs/program.ts';

/** The unpacked images of the laboratory, built when first asked for. */
export interface LabImages {
  /** Host path of an image's root. @throws LabError IMAGE_FAILED */
  rootfs(name: ImageName): Promise<string>;
  /** Host path of a WASI program's module. @throws LabError IMAGE_FAILED */
  module(program: string): Promise<string>;
}

/** Images are kept below the state directory under the digest of their package list: another list is another image. */
export function createLabImages(stateDirectory: string, { onProgress, signal }: { onProgress?: (line: string) => void; signal?: AbortSignal } = {}): LabImages {
  const directory = join(stateDirectory, 'images');
  const store = createImageStore({ dir: join(directory, 'unpacked') });
  return {
    module: (program) => wasmModule(join(directory, 'wasm'), program, signal === undefined ? {} : { signal }),
    async rootfs(name) {
      const packages = [...IMAGE_PACKAGES[name]];
      const key = `${name}-${createHash('sha256').update(packages.join()).digest('hex').slice(0, 12)}`;
      const tar = join(directory, `${key}.tar`);
      const abortable = signal === undefined ? {} : { signal };
      try {
        if (!store.has(key)) {
          await mkdir(directory, { recursive: true });
          if (!existsSync(tar)) {
            onProgress?.(`building the image ${name}, once`);
            await buildDebianImage({ packages, out: tar, ...abortable });
          }
          await store.unpack(key, tar, abortable);
        }
        return store.rootfs(key);
      } catch (cause) {
        throw new LabError('IMAGE_FAILED', 'an image of the laboratory cannot be had', { details: `${name}: ${messageOf(cause)}`, cause, hint: 'gadus doctor says whether this machine can build images' });
      }
    },
  };
}
