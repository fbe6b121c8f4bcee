import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import path from 'node:path';
import { ExecutorError } from '../errors.ts';

/** The kernel's own limit on links in one path. */
const MAX_LINKS = 40;

/**
 * Where an absolute path of the job leads inside an image, following the image's links without ever leaving its root.
 * Components that do not exist are kept as they are.
 *
 * @param encoding of the path, and of what is returned: `latin1` where names may be no text
 * @returns an absolute path inside the root, `/` separated, without links
 * @throws ExecutorError JOB_UNFIT for a loop of links
 * @example resolveInRoot('/images/debian', '/lib/data') // '/usr/lib/data'
 */
export function resolveInRoot(root: string, target: string, encoding: 'utf8' | 'latin1' = 'utf8'): string {
  const pending = target.split('/').reverse();
  let resolved = '/';
  let links = 0;
  while (pending.length > 0) {
    const name = pending.pop()!;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      resolved = path.posix.dirname(resolved);
      continue;
    }
    const next = path.posix.join(resolved, name);
    const host = Buffer.concat([Buffer.from(root), Buffer.from(next, encoding)]);
    if (!statIfThere(host)?.isSymbolicLink()) {
      resolved = next;
      continue;
    }
    if (++links > MAX_LINKS) throw new ExecutorError('JOB_UNFIT', 'the image has a loop of links', { details: target });
    const link = readlinkSync(host, { encoding: 'buffer' }).toString(encoding);
    if (link.startsWith('/')) resolved = '/';
    pending.push(...link.split('/').reverse());
  }
  return resolved;
}

/** lstat, or undefined when there is nothing, or when a parent is no directory. */
export function statIfThere(file: string | Buffer): Stats | undefined {
  try {
    return lstatSync(file);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code!)) return undefined;
    throw error;
  }
}
