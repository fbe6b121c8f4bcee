import { randomUUID } from 'node:crypto';
import { existsSync, utimesSync } from 'node:fs';
import { chmod, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { IMAGE_TIMEOUT_MS, MAX_KEPT_IMAGE_BYTES } from '../constants.ts';
import { messageOf } from '../../protocol/index.ts';
import { ExecutorError } from '../errors.ts';
import { runTool } from '../tool.ts';
import { imageOwner } from '../rootless/unprivileged-ids.ts';
import { unpackFailure } from './unpack-failure.ts';
import { unpackImage } from './unpack-image.ts';
import type { UnpackLimits } from './unpack-tar.ts';

/** Unpacked images by key: each one a read-only root file system shared by all its runs. */
export interface ImageStore {
  has(key: string): boolean;
  /** Host path of an unpacked image. @throws ExecutorError IMAGE_MISSING, REQUEST_INVALID */
  rootfs(key: string): string;
  /** The same, and the image stays until `release`, which may be called twice. @throws ExecutorError IMAGE_MISSING, REQUEST_INVALID */
  hold(key: string): { path: string; release(): void };
  /**
   * Unpacks a tar of a file system, an OCI layout (a folder, or an archive), or an archive of `docker save` under a key; does nothing when the key is there.
   * @throws ExecutorError as `unpackImage`; REQUEST_INVALID
   */
  unpack(key: string, tarPath: string, options?: { signal?: AbortSignal }): Promise<void>;
  remove(key: string): Promise<void>;
  list(): Promise<string[]>;
}

const MAX_KEY_CHARS = 200;
const DRAFT = '.draft-';
const SIZE = '.size-';

export interface ImageStoreInit extends UnpackLimits {
  dir: string;
  /** Room for unpacked images: beyond it those longest unused go, except what is held. */
  maxStoreBytes?: number;
}

/**
 * An image store in a directory. An image appears in it whole or not at all, so several processes may fill it; what one of them holds
 * another does not know of, so only one of them should have a limit.
 */
export function createImageStore({ dir, maxStoreBytes = MAX_KEPT_IMAGE_BYTES, ...limits }: ImageStoreInit): ImageStore {
  const root = path.resolve(dir);
  const unpacking = new Map<string, Promise<void>>();
  const holders = new Map<string, number>();
  const place = (key: string) => path.join(root, directoryOf(key));

  const unpack = async (key: string, tarPath: string, signal?: AbortSignal) => {
    await mkdir(root, { recursive: true, mode: 0o755 });
    await removeDeadDrafts(root);
    const draft = path.join(root, `${DRAFT}${process.pid}-${randomUUID()}`);
    const [made, scratch] = [path.join(draft, 'root'), path.join(draft, 'scratch')];
    try {
      for (const directory of [draft, made, scratch]) await mkdir(directory);
      await unpackImage(tarPath, made, { scratch, ...limits, ...(signal ? { signal } : {}) });
      await chmod(made, 0o755);
      // A container's root owns its image, and is nobody of this machine.
      if (process.getuid?.() === 0) await runTool('chown', ['--recursive', '--no-dereference', `${imageOwner()}:${imageOwner()}`, made], { timeoutMs: IMAGE_TIMEOUT_MS, ...(signal ? { signal } : {}) });
      await writeFile(sizeFile(root, key), String(await diskBytes(made, signal)));
      await rename(made, place(key));
      await makeRoom(root, maxStoreBytes, new Set([...holders.keys(), key].map(directoryOf)));
    } catch (error) {
      // Another process may have been faster with the same image.
      if (!existsSync(place(key))) throw typed(error);
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
    hold(key) {
      const found = this.rootfs(key);
      holders.set(key, (holders.get(key) ?? 0) + 1);
      const now = new Date();
      try {
        utimesSync(sizeFile(root, key), now, now);
      } catch {
        // An image from before there were sizes counts nothing and goes first.
      }
      let held = true;
      return {
        path: found,
        release() {
          const left = (holders.get(key) ?? 0) - Number(held);
          held = false;
          if (left > 0) holders.set(key, left);
          else holders.delete(key);
        },
      };
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
    remove: (key) => removeDirectory(root, directoryOf(key)),
    async list() {
      const names = await readdir(root).catch(() => []);
      return names.filter((name) => !name.startsWith('.')).map(decodeURIComponent).sort();
    },
  };
}

/** What the file system says by itself is by no fault of the image's. */
function typed(error: unknown): unknown {
  return error instanceof ExecutorError || (error as NodeJS.ErrnoException).syscall === undefined ? error : unpackFailure(messageOf(error), error);
}

/** Beside an image: its size, and by the time of its last change when the image was last used. */
function sizeFile(root: string, key: string): string {
  return path.join(root, `${SIZE}${directoryOf(key)}`);
}

async function diskBytes(directory: string, signal?: AbortSignal): Promise<number> {
  const { stdout } = await runTool('du', ['--summarize', '--block-size=1', '--one-file-system', directory], { timeoutMs: IMAGE_TIMEOUT_MS, ...(signal ? { signal } : {}) });
  return Number.parseInt(stdout, 10);
}

/** Removes the images longest unused until the rest fits. */
async function makeRoom(root: string, maxBytes: number, kept: ReadonlySet<string>): Promise<void> {
  const names = (await readdir(root)).filter((name) => !name.startsWith('.'));
  const images = await Promise.all(names.map(async (name) => {
    const file = path.join(root, `${SIZE}${name}`);
    const [bytes, used] = await Promise.all([readFile(file, 'utf8').then(Number, () => 0), stat(file).then(({ mtimeMs }) => mtimeMs, () => 0)]);
    return { name, bytes, used };
  }));
  let total = images.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { name, bytes } of images.sort((a, b) => a.used - b.used)) {
    if (total <= maxBytes) return;
    if (kept.has(name)) continue;
    await removeDirectory(root, name);
    total -= bytes;
  }
}

/** Out of sight first: nobody finds half an image. */
async function removeDirectory(root: string, name: string): Promise<void> {
  const draft = path.join(root, `${DRAFT}${process.pid}-${randomUUID()}`);
  try {
    await rename(path.join(root, name), draft);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  await rm(path.join(root, `${SIZE}${name}`), { force: true });
  await rm(draft, { recursive: true, force: true });
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
