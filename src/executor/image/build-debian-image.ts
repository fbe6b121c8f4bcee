import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { IMAGE_TIMEOUT_MS } from '../constants.ts';
import { ExecutorError } from '../errors.ts';
import { runTool } from '../tool.ts';

export interface DebianImageInit {
  /** Packages to install on top of Debian's smallest set; `name` or `name=version`. */
  packages: string[];
  /** Tar file to write. */
  out: string;
  /** Release name; this machine's when left out. */
  suite?: string;
  /** Mirrors as mmdebstrap takes them (a URI, a `deb …` line, a sources file); this machine's Debian sources when left out. */
  mirrors?: string[];
  onProgress?: (line: string) => void;
  signal?: AbortSignal;
}

const HOST_SOURCES = ['/etc/apt/sources.list', '/etc/apt/sources.list.d/debian.sources'];
const PACKAGE = /^[a-z0-9][a-z0-9+.-]*(=[A-Za-z0-9.+:~-]+)?$/;
/** What no job needs, or what differs from build to build. */
const CLEAN_HOOK = 'rm -rf "$1"/var/log/* "$1"/var/cache/ldconfig/aux-cache "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1"/etc/resolv.conf "$1"/etc/hostname "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*';
const WORK_HOOK = 'mkdir -p "$1"/work "$1"/inputs "$1"/outputs';
/** Times are clamped to this: the start of Unix time, so that two builds of the same packages have the same bytes. */
const SOURCE_DATE_EPOCH = '0';

/**
 * Writes an image with Debian packages in it. The same package versions give the same bytes, except where a package's own
 * install script writes something else each time.
 *
 * @throws ExecutorError TOOL_MISSING (mmdebstrap), TOOL_FAILED, REQUEST_INVALID, ABORTED
 */
export async function buildDebianImage(init: DebianImageInit): Promise<void> {
  const { packages, out, onProgress, signal } = init;
  const bad = packages.find((name) => !PACKAGE.test(name));
  if (bad !== undefined) throw new ExecutorError('REQUEST_INVALID', 'not a package name', { details: JSON.stringify(bad) });
  const draft = await mkdtemp(`${path.resolve(out)}.draft-`);
  const tar = path.join(draft, 'image.tar');
  const progress = lines(onProgress);
  try {
    await runTool('mmdebstrap', [
      '--variant=minbase', '--format=tar', ...(packages.length === 0 ? [] : [`--include=${packages.join(',')}`]),
      '--dpkgopt=path-exclude=/usr/share/doc/*', '--dpkgopt=path-exclude=/usr/share/man/*', '--dpkgopt=path-exclude=/usr/share/locale/*',
      ...hostAptOptions(), `--customize-hook=${CLEAN_HOOK}`, `--customize-hook=${WORK_HOOK}`,
      init.suite ?? hostSuite(), tar, ...(init.mirrors ?? hostSources()),
    ], { timeoutMs: IMAGE_TIMEOUT_MS, env: { SOURCE_DATE_EPOCH }, onStderr: progress, ...(signal ? { signal } : {}) });
    await rename(tar, out);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Release name of this machine's Debian (os-release(5)). */
function hostSuite(): string {
  const name = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  if (name === undefined) throw new ExecutorError('REQUEST_INVALID', 'this machine\'s Debian release is unknown', { hint: 'name a suite, such as bookworm' });
  return name;
}

/** Debian's own sources of this machine; those of third parties stay out of the image. */
function hostSources(): string[] {
  return HOST_SOURCES.filter((file) => existsSync(file) && statSync(file).size > 0);
}

/** A machine behind a proxy says so in its apt configuration. */
function hostAptOptions(): string[] {
  return existsSync('/etc/apt/apt.conf') ? ['--aptopt=/etc/apt/apt.conf'] : [];
}

function lines(onLine: ((line: string) => void) | undefined): (text: string) => void {
  let pending = '';
  return (text) => {
    const parts = (pending + text).split(/[\r\n]/);
    pending = parts.pop()!;
    for (const line of parts) if (line.trim() !== '') onLine?.(line);
  };
}
