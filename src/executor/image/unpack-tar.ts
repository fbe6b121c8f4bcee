import { IMAGE_TIMEOUT_MS, MAX_IMAGE_BYTES, MAX_IMAGE_ENTRIES } from '../constants.ts';
import { ExecutorError } from '../errors.ts';
import { runTool } from '../tool.ts';

export interface UnpackLimits {
  /** Most bytes of all files together. */
  maxBytes?: number;
  maxEntries?: number;
}

/** One line of `tar --list --verbose`. */
export interface TarEntry {
  /** `-` file, `d` directory, `l` symbolic link, `h` hard link, `c`, `b`, `p` what is not unpacked. */
  type: string;
  bytes: number;
  /** With GNU tar's escapes; of a link, with ` -> target` or ` link to target`. */
  name: string;
}

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
 * @throws ExecutorError IMAGE_INVALID, IMAGE_TOO_LARGE, TOOL_MISSING, ABORTED
 */
export async function unpackTar(tarPath: string, directory: string, options: UnpackLimits & { allowEmpty?: boolean; signal?: AbortSignal } = {}): Promise<{ bytes: number; entries: number }> {
  const { maxBytes = MAX_IMAGE_BYTES, maxEntries = MAX_IMAGE_ENTRIES, allowEmpty = false, signal } = options;
  const tool = { timeoutMs: IMAGE_TIMEOUT_MS, ...(signal ? { signal } : {}) };
  let bytes = 0;
  let entries = 0;
  const check = (line: string) => {
    const entry = parseTarLine(line);
    if (!entry) throw new ExecutorError('IMAGE_INVALID', 'the image\'s listing cannot be read', { details: line.slice(0, 200) });
    if (isUnsafeName(entry)) throw new ExecutorError('IMAGE_INVALID', 'the image holds a name that leads outside', { details: entry.name.slice(0, 200) });
    bytes += entry.bytes;
    entries++;
    if (bytes > maxBytes) throw new ExecutorError('IMAGE_TOO_LARGE', 'the image is too large', { details: `more than ${maxBytes} bytes` });
    if (entries > maxEntries) throw new ExecutorError('IMAGE_TOO_LARGE', 'the image has too many files', { details: `more than ${maxEntries}` });
  };
  try {
    await runTool('tar', ['--list', '--verbose', '--numeric-owner', '--quoting-style=escape', '--absolute-names', '--file', tarPath], { ...tool, onLine: check });
    if (entries === 0 && !allowEmpty) throw new ExecutorError('IMAGE_INVALID', 'the image is empty', { details: tarPath });
    await runTool('tar', ['--extract', ...EXTRACT_FLAGS, '--directory', directory, '--file', tarPath], tool);
    await runTool('find', [
      directory, '(', '-type', 'b', '-o', '-type', 'c', '-o', '-type', 'p', '-o', '-type', 's', ')', '-delete',
      '-o', '!', '-type', 'l', '-perm', '/6000', '-exec', 'chmod', 'a-s', '{}', '+',
    ], tool);
    return { bytes, entries };
  } catch (error) {
    if (error instanceof ExecutorError && error.code === 'TOOL_FAILED') {
      throw new ExecutorError('IMAGE_INVALID', 'the image could not be unpacked', { cause: error, ...(error.details === undefined ? {} : { details: error.details }) });
    }
    throw error;
  }
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
