import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { ExecutorError } from '../errors.ts';
import { unpackTar, type UnpackLimits } from './unpack-tar.ts';

/** Unpacked images by key: each one a read-only root file system shared by all its runs. */
export interface ImageStore {
  has(key: string): boolean;
  /** Host path of an unpacked image. @throws ExecutorError IMAGE_MISSING, REQUEST_INVALID */
  rootfs(key: string): string;
  /**
   * Unpacks a tar, compressed or not, under a key; does nothing when the key is there.
   * @throws ExecutorError IMAGE_INVALID, IMAGE_TOO_LARGE, TOOL_MISSING, REQUEST_INVALID, ABORTED
   */
  unpack(key: string, tarPath: string, options?: { signal?: AbortSignal }): Promise<void>;
  remove(key: string): Promise<void>;
  list(): Promise<string[]>;
}

const MAX_KEY_CHARS = 200;
const DRAFT = '.draft-';

/** An image store in a directory, which several processes may share. An image appears in it whole or not at all. */
export function createImageStore({ dir, ...limits }: { dir: string } & UnpackLimits): ImageStore {
  const root = path.resolve(dir);
  const unpacking = new Map<string, Promise<void>>();
  const place = (key: string) => path.join(root, directoryOf(key));

  const unpack = async (key: string, tarPath: string, signal?: AbortSignal) => {
    await mkdir(root, { recursive: true, mode: 0o755 });
    await removeDeadDrafts(root);
    const draft = path.join(root, `${DRAFT}${process.pid}-${randomUUID()}`);
    try {
      await mkdir(draft);
      await unpackTar(tarPath, draft, { ...limits, ...(signal ? { signal } : {}) });
      await chmod(draft, 0o755);
      await rename(draft, place(key));
    } catch (error) {
      // Another process may have been faster with the same image.
      if (!existsSync(place(key))) throw error;
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  };

  return {
    has: (key) => existsSync(place(key)),
    rootfs(key) {
      if (!existsSync(place(key))) throw new ExecutorError('IMAGE_MISSING', 'the image is not unpacked here', { details: key });
      return place(key);
    },
    async unpack(key, tarPath, { signal } = {}) {
      if (existsSync(place(key))) return;
      const running = unpacking.get(key);
      if (running) {
        // The first caller's abort is not this one's: on any failure it tries itself.
        await running.catch(() => undefined);
        return this.unpack(key, tarPath, signal ? { signal } : {});
      }
      const work = unpack(key, tarPath, signal);
      unpacking.set(key, work);
      try {
        await work;
      } finally {
        unpacking.delete(key);
      }
    },
    async remove(key) {
      const draft = path.join(root, `${DRAFT}${process.pid}-${randomUUID()}`);
      try {
        await rename(place(key), draft);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
        throw error;
      }
      await rm(draft, { recursive: true, force: true });
    },
    async list() {
      const names = await readdir(root).catch(() => []);
      return names.filter((name) => !name.startsWith('.')).map(decodeURIComponent).sort();
    },
  };
}

/** A key as the name of a directory: anything that means something in a path is escaped. @throws ExecutorError REQUEST_INVALID */
function directoryOf(key: string): string {
  const name = encodeURIComponent(key).replace(/^\./, '%2E');
  if (name.length === 0 || name.length > MAX_KEY_CHARS) {
    throw new ExecutorError('REQUEST_INVALID', 'not an image key', { details: `${JSON.stringify(key.slice(0, 100))}: 1 to ${MAX_KEY_CHARS} characters` });
  }
  return name;
}

/** Removes what processes that no longer live were unpacking. */
async function removeDeadDrafts(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const pid = name.startsWith(DRAFT) ? Number.parseInt(name.slice(DRAFT.length), 10) : Number.NaN;
    if (pid > 0 && !existsSync(`/proc/${pid}`)) await rm(path.join(root, name), { recursive: true, force: true });
  }
}
