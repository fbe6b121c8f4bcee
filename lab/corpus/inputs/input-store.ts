import { existsSync } from 'node:fs';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { draftOf } from '../remove-dead-drafts.ts';
import { generateInput, type InputShape } from './generate-input.ts';

/** Raised when a generator's bytes change, so that no file of an earlier one is taken for its own. */
const GENERATOR_VERSION = 1;

/** A generated input on this machine's disk. */
export interface StoredInput { path: string; bytes: number }

/** Generates an input unless it is there; it is on the disk, not just in the cache, so that it can be evicted from there. */
export async function storedInput(directory: string, shape: InputShape, seed: number, fraction: number): Promise<StoredInput> {
  const path = join(directory, `${shape.kind}-${shape.bytes}-${seed}-${fraction}-v${GENERATOR_VERSION}`);
  if (!existsSync(path)) {
    const draft = draftOf(path);
    try {
      await writeFile(draft, generateInput(shape, seed, fraction), { flush: true, mode: 0o644 });
      await rename(draft, path);
    } finally {
      await rm(draft, { force: true });
    }
  }
  return { path, bytes: (await stat(path)).size };
}
