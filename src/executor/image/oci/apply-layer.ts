import type { Dirent, Stats } from 'node:fs';
import { chmod, lstat, mkdir, readdir, rename, rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import { isError } from '../../../protocol/index.ts';
import { resolveInRoot } from '../../container/resolve-in-root.ts';
import { ExecutorError } from '../../errors.ts';
import { joinBytes } from '../../join-bytes.ts';

const WHITEOUT = Buffer.from('.wh.');
const OPAQUE = Buffer.from('.wh..wh..opq');
/** Of directories that no layer has and something is in: as tar makes them under Debian's umask. */
const IMPLIED_MODE = 0o755;
/** The same on every machine, because a job sees it. */
export const IMPLIED_TIME = 0;

/** The layer's own directories, and the root file system it is laid onto. */
interface Tree { directories: ReadonlySet<string>; root: string }

/**
 * Moves an unpacked layer onto a root file system: https://github.com/opencontainers/image-spec/blob/main/layer.md#applying-changesets
 *
 * A link of either tree is moved or removed, and only followed where the layer names something behind it without having a directory there itself; as a job
 * would follow it, never out of the root. An entry replaces what is in its place unless both are directories.
 *
 * @param layer a directory on the same file system, used up by this
 * @param directories those that the layer has itself, as `createLayerListing` has them: they bring their permissions and time, others leave what is there as it is
 * @throws ExecutorError IMAGE_INVALID for a whiteout of no name, and a name behind a loop of links or a file
 */
export async function applyLayer(layer: string, root: string, directories: ReadonlySet<string>): Promise<void> {
  const { atime, mtime } = await lstat(directories.has('') ? layer : root);
  await apply(Buffer.from(layer), Buffer.from(root), '', { directories, root });
  await utimes(root, atime, mtime);
}

/** Names are bytes: an image may have some that are no text. */
async function apply(layer: Buffer, target: Buffer, at: string, tree: Tree): Promise<void> {
  const entries = await readdir(layer, { encoding: 'buffer', withFileTypes: true });
  // Marks first: they are about what lies below, not about what this layer brings.
  if (entries.some(({ name }) => name.equals(OPAQUE))) for (const name of await readdir(target, { encoding: 'buffer' })) await remove(joinBytes(target, name));
  for (const { name } of entries) if (isMark(name) && !name.equals(OPAQUE)) await remove(joinBytes(target, hiddenBy(name)));
  for (const entry of entries) {
    if (isMark(entry.name)) continue;
    const [from, to] = [joinBytes(layer, entry.name), joinBytes(target, entry.name)];
    if (entry.isDirectory()) await applyDirectory(from, to, nameIn(at, entry), tree);
    else await replace(from, to);
  }
}

async function applyDirectory(from: Buffer, to: Buffer, name: string, tree: Tree): Promise<void> {
  const there = await lstat(to).catch(() => undefined);
  const own = tree.directories.has(name);
  const below = there?.isSymbolicLink() && !own ? await directoryBehind(to, tree) : there?.isDirectory() ? { path: to, stat: there } : undefined;
  if (below === undefined) {
    // All of it is new: it moves at once.
    await tidy(from, name, tree);
    if (there) await remove(to);
    return rename(from, to);
  }
  const { mode, atime, mtime } = own ? await lstat(from) : below.stat;
  await apply(from, below.path, name, tree);
  if (own) await chmod(below.path, mode & 0o1777);
  await utimes(below.path, atime, mtime);
}

/** The directory that a link of the root file system leads to, made where nothing is. */
async function directoryBehind(link: Buffer, { root }: Tree): Promise<{ path: Buffer; stat: Stats }> {
  const invalid = (cause?: unknown) => new ExecutorError('IMAGE_INVALID', 'a layer names something behind a link that leads to no directory', { details: JSON.stringify(link.subarray(Buffer.byteLength(root)).toString()), cause });
  try {
    const found = Buffer.from(resolveInRoot(root, link.toString('latin1').slice(Buffer.byteLength(root)), 'latin1'), 'latin1');
    const directory = Buffer.concat([Buffer.from(root), found]);
    const stat = await impliedDirectory(directory);
    if (!stat.isDirectory()) throw invalid();
    return { path: directory, stat };
  } catch (error) {
    throw isError(error, 'JOB_UNFIT') || ['ENOTDIR', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code!) ? invalid(error) : error;
  }
}

/** A directory below the root file system's, and those above it; the time of the one that is there already stays. */
async function impliedDirectory(directory: Buffer): Promise<Stats> {
  const there = await lstat(directory).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'ENOENT') throw error; });
  if (there) return there;
  const parent = directory.subarray(0, directory.lastIndexOf(path.sep));
  const { atime, mtime } = await impliedDirectory(parent);
  await mkdir(directory);
  await imply(directory);
  await utimes(parent, atime, mtime);
  return lstat(directory);
}

async function imply(directory: Buffer): Promise<void> {
  await chmod(directory, IMPLIED_MODE);
  await utimes(directory, IMPLIED_TIME, IMPLIED_TIME);
}

/** Makes a directory that nothing lies below what it is to be: without marks, and its implied directories as on every machine. */
async function tidy(directory: Buffer, name: string, tree: Tree): Promise<void> {
  for (const entry of await readdir(directory, { encoding: 'buffer', withFileTypes: true })) {
    const at = joinBytes(directory, entry.name);
    if (isMark(entry.name)) {
      if (!entry.name.equals(OPAQUE)) hiddenBy(entry.name);
      await remove(at);
    } else if (entry.isDirectory()) await tidy(at, nameIn(name, entry), tree);
  }
  if (!tree.directories.has(name)) await imply(directory);
}

/** Moves what is no directory over whatever is in its place. */
async function replace(from: Buffer, to: Buffer): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!['EISDIR', 'ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code!)) throw error;
    await remove(to);
    await rename(from, to);
  }
}

function isMark(name: Buffer): boolean {
  return name.subarray(0, WHITEOUT.length).equals(WHITEOUT);
}

/** What a whiteout removes. @throws ExecutorError IMAGE_INVALID */
function hiddenBy(mark: Buffer): Buffer {
  const hidden = mark.subarray(WHITEOUT.length);
  if (['', '.', '..'].includes(hidden.toString('latin1'))) throw new ExecutorError('IMAGE_INVALID', 'a layer removes what has no name', { details: JSON.stringify(mark.toString()) });
  return hidden;
}

function nameIn(directory: string, { name }: Dirent<Buffer>): string {
  return path.posix.join(directory, name.toString('latin1'));
}

function remove(target: Buffer): Promise<void> {
  return rm(target, { recursive: true, force: true });
}
