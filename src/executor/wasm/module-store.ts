import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { METER_VERSION } from '../../protocol/index.ts';
import { ExecutorError, aborted } from '../errors.ts';
import { MAX_KEPT_MODULES, MAX_MODULE_BYTES } from './constants.ts';
import { meterModule } from './meter-module.ts';

/** Metered modules in a directory, by the hash of the module and the memory it may have. */
export interface ModuleStore {
  /** Path of the metered form of a module, made at its first use. @throws ExecutorError IMAGE_INVALID, IMAGE_TOO_LARGE, IMAGE_MISSING, JOB_UNFIT, ABORTED */
  metered(modulePath: string, options: { maxBytes: number; signal?: AbortSignal }): Promise<string>;
}

/** A store that several processes may share: a module appears in it whole or not at all. */
export function createModuleStore(dir: string): ModuleStore {
  return {
    async metered(modulePath, { maxBytes, signal }) {
      if (signal?.aborted) throw aborted(signal);
      const module = await readModule(modulePath);
      const file = path.join(dir, `${createHash('sha256').update(module).digest('hex')}-${METER_VERSION}-${maxBytes}.wasm`);
      const now = new Date();
      if (await utimes(file, now, now).then(() => true, () => false)) return file;
      const metered = meterModule(module, { maxBytes });
      await mkdir(dir, { recursive: true, mode: 0o700 });
      const draft = path.join(dir, `.draft-${randomUUID()}`);
      try {
        await writeFile(draft, metered, { mode: 0o644 });
        await rename(draft, file);
      } finally {
        await rm(draft, { force: true });
      }
      await forgetOldest(dir);
      return file;
    },
  };
}

async function readModule(file: string): Promise<Buffer> {
  const handle = await open(file).catch((cause: unknown) => {
    throw new ExecutorError('IMAGE_MISSING', 'the module is not there', { details: file, cause });
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new ExecutorError('IMAGE_INVALID', 'the image is not a WebAssembly module', { details: 'it is no file' });
    if (found.size > MAX_MODULE_BYTES) throw new ExecutorError('IMAGE_TOO_LARGE', 'the module is too large', { details: `${found.size} bytes of at most ${MAX_MODULE_BYTES}` });
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** A run that already has a forgotten module keeps it: mounts hold files. One that is just about to mount it fails, and may be run again. */
async function forgetOldest(dir: string): Promise<void> {
  const names = (await readdir(dir)).filter((name) => !name.startsWith('.'));
  const aged = await Promise.all(names.map(async (name) => ({ name, at: (await stat(path.join(dir, name)).catch(() => undefined))?.mtimeMs ?? 0 })));
  for (const { name } of aged.sort((a, b) => b.at - a.at).slice(MAX_KEPT_MODULES)) await rm(path.join(dir, name), { force: true });
}
