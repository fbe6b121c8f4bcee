import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { MAX_CACHED_DISKS } from './constants.ts';
import { writeErofs } from './erofs.ts';

const DRAFT = '.draft-';
const making = new Map<string, Promise<void>>();

/**
 * The disk image of an unpacked container image, made once: unpacked images are never written to, so the directory's identity
 * is its content's.
 *
 * @throws ExecutorError INPUT_UNREADABLE
 */
export async function imageDisk(directory: string, rootfs: string): Promise<string> {
  const { dev, ino, ctimeMs } = await stat(rootfs);
  const file = path.join(directory, `${createHash('sha256').update(`${path.resolve(rootfs)}:${dev}:${ino}:${ctimeMs}`).digest('hex').slice(0, 32)}.erofs`);
  const make = async () => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await forget(directory);
    const draft = path.join(directory, `${DRAFT}${process.pid}-${randomUUID()}`);
    try {
      await writeErofs({ out: draft, root: { kind: 'host', path: rootfs } });
      await rename(draft, file);
    } finally {
      await rm(draft, { force: true });
    }
  };
  if (!existsSync(file)) {
    if (!making.has(file)) making.set(file, make().finally(() => making.delete(file)));
    await making.get(file);
  }
  const now = new Date();
  await utimes(file, now, now);
  return file;
}

/** Deletes what has not been used for longest, and what dead processes did not finish. A monitor keeps its disk open. */
async function forget(directory: string): Promise<void> {
  const aged: { name: string; at: number }[] = [];
  for (const name of await readdir(directory)) {
    const pid = name.startsWith(DRAFT) ? Number.parseInt(name.slice(DRAFT.length), 10) : undefined;
    if (pid === undefined) aged.push({ name, at: (await stat(path.join(directory, name))).mtimeMs });
    else if (!existsSync(`/proc/${pid}`)) await rm(path.join(directory, name), { force: true });
  }
  for (const { name } of aged.sort((a, b) => b.at - a.at).slice(MAX_CACHED_DISKS - 1)) await rm(path.join(directory, name), { force: true });
}
