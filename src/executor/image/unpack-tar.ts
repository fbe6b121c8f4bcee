import { access } from 'node:fs/promises';
import { IMAGE_TIMEOUT_MS, MAX_IMAGE_BYTES, MAX_IMAGE_ENTRIES } from '../constants.ts';
import { ExecutorError } from '../errors.ts';
import { runTool, type ToolOptions } from '../tool.ts';
import { unpackFailure } from './unpack-failure.ts';

export interface UnpackLimits {
  /** Most bytes of all files together. */
  maxBytes?: number;
  maxEntries?: number;
  /** Longest name, as tar lists it. */
  maxNameChars?: number;
}

export interface UnpackOptions extends UnpackLimits {
  allowEmpty?: boolean;
  /** Called for each entry, in their order, before anything is unpacked. */
  onEntry?: (entry: TarEntry) => void;
  /** Called when all is listed and nothing unpacked. */
  onListed?: () => Promise<void>;
  signal?: AbortSignal;
}

/** One line of `tar --list --verbose`. */
export interface TarEntry {
  /** `-` file, `d` directory, `l` symbolic link, `h` hard link, `c`, `b`, `p` what is not unpacked. */
  type: string;
  bytes: number;
  /** With GNU tar's escapes; of a link, with ` -> target` or ` link to target`. */
  name: string;
}

const TAR_FAILURES = [1, 2];
/** What tar says at the end of a line where the machine failed it: never within a name, which an image chooses. A link to a directory is permitted nowhere. */
const MACHINE_FAULT = /^(?!.*: Cannot hard link to .*: Operation not permitted$).*: (No space left on device|Disk quota exceeded|Input\/output error|Cannot allocate memory|Too many open files( in system)?|Permission denied|Operation not permitted|Read-only file system|Stale file handle|Wrote only \d+ of \d+ bytes)$/m;

/** Permissions are taken as they are, owners and extended attributes (capabilities among them) are not. */
const EXTRACT_FLAGS = ['--no-same-owner', '--numeric-owner', '--preserve-permissions', '--no-acls', '--no-selinux', '--no-xattrs', '--delay-directory-restore'];

/**
 * Unpacks a tar from a stranger into an empty directory.
 *
 * The listing is checked before anything is written: absolute names, `..`, too much. GNU tar then guards against links that
 * lead outside, by making them last. Devices, pipes and set-user-id bits are removed afterwards; nobody else can reach the
 * directory meanwhile.
 *
 * @returns how much it was
 * @throws ExecutorError by the image's fault IMAGE_INVALID, IMAGE_TOO_LARGE; by this machine's IMAGE_MISSING, NO_SPACE, TOOL_FAILED, TOOL_MISSING, ABORTED
 */
export async function unpackTar(tarPath: string, directory: string, options: UnpackOptions = {}): Promise<{ bytes: number; entries: number }> {
  const { maxBytes = MAX_IMAGE_BYTES, maxEntries = MAX_IMAGE_ENTRIES, maxNameChars = Infinity, allowEmpty = false, onEntry, onListed, signal } = options;
  const tool = { timeoutMs: IMAGE_TIMEOUT_MS, ...(signal ? { signal } : {}) };
  let bytes = 0;
  let entries = 0;
  const check = (line: string) => {
    const entry = parseTarLine(line);
    if (!entry) throw new ExecutorError('IMAGE_INVALID', 'the image\'s listing cannot be read', { details: line.slice(0, 200) });
    if (entry.name.length > maxNameChars) throw new ExecutorError('IMAGE_INVALID', 'the image holds a name that is too long', { details: entry.name.slice(0, 200) });
    if (isUnsafeName(entry)) throw new ExecutorError('IMAGE_INVALID', 'the image holds a name that leads outside', { details: entry.name.slice(0, 200) });
    bytes += entry.bytes;
    entries++;
    if (bytes > maxBytes) throw new ExecutorError('IMAGE_TOO_LARGE', 'the image is too large', { details: `more than ${maxBytes} bytes` });
    if (entries > maxEntries) throw new ExecutorError('IMAGE_TOO_LARGE', 'the image has too many files', { details: `more than ${maxEntries}` });
    onEntry?.(entry);
  };
  const tar = async (args: string[], more: Pick<ToolOptions, 'onLine'> = {}) => {
    // It ends with one of these only by itself: not where it was killed, or took too long.
    const { code, stderr } = await runTool('tar', args, { ...tool, ...more, accept: TAR_FAILURES });
    if (code === 0) return;
    if (MACHINE_FAULT.test(stderr)) throw unpackFailure(stderr.trim());
    throw new ExecutorError('IMAGE_INVALID', 'the image could not be unpacked', { details: stderr.trim().slice(-1500) });
  };
  await access(tarPath).catch((cause: unknown) => { throw new ExecutorError('IMAGE_MISSING', 'the image is not there', { details: tarPath, cause }); });
  await tar(['--list', '--verbose', '--numeric-owner', '--quoting-style=escape', '--absolute-names', '--file', tarPath], { onLine: check });
  if (entries === 0 && !allowEmpty) throw new ExecutorError('IMAGE_INVALID', 'the image is empty', { details: tarPath });
  await onListed?.();
  await tar(['--extract', ...EXTRACT_FLAGS, '--directory', directory, '--file', tarPath]);
  await runTool('find', [
    directory, '(', '-type', 'b', '-o', '-type', 'c', '-o', '-type', 'p', '-o', '-type', 's', ')', '-delete',
    '-o', '!', '-type', 'l', '-perm', '/6000', '-exec', 'chmod', 'a-s', '{}', '+',
  ], tool);
  return { bytes, entries };
}

/** Parses `drwxr-xr-x 0/0 4096 2026-01-31 12:00 name`; a device has `major,minor` for a size. */
export function parseTarLine(line: string): TarEntry | undefined {
  const match = /^([^\s])\S+ +\S+ +(\d+|\d+,\d+) +\S+ \S+ (.+)$/.exec(line);
  if (!match) return undefined;
  return { type: match[1]!, bytes: match[2]!.includes(',') ? 0 : Number(match[2]), name: match[3]! };
}

/** Whether a name, or the target of a hard link, is absolute or climbs. A symbolic link may point anywhere: it is followed inside the image only. */
export function isUnsafeName({ type, name }: TarEntry): boolean {
  const parts = type === 'l' ? [name.split(' -> ')[0]!] : type === 'h' ? name.split(' link to ') : [name];
  return parts.some((part) => part.startsWith('/') || part.split('/').includes('..'));
}
