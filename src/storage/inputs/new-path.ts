import { randomUUID } from 'node:crypto';
import { lstat, rename } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { StorageError } from '../errors.ts';
import { removeTree } from './remove-tree.ts';

/** Makes a file or folder under a hidden name beside its own, and gives it its name when it is whole. @throws StorageError DESTINATION_EXISTS */
export async function newPath(destination: string, make: (draft: string) => Promise<unknown>): Promise<void> {
  const target = resolve(destination);
  await refuseExisting(target);
  const draft = join(dirname(target), `.${basename(target)}.${randomUUID()}`);
  try {
    await make(draft);
    await refuseExisting(target);
    await rename(draft, target);
  } finally {
    await removeTree(draft);
  }
}

/** @throws StorageError DESTINATION_EXISTS */
export async function refuseExisting(path: string): Promise<void> {
  if (await lstat(path).then(() => true, () => false)) {
    throw new StorageError('DESTINATION_EXISTS', 'the destination exists', { details: path, hint: 'nothing is overwritten: choose another path' });
  }
}
