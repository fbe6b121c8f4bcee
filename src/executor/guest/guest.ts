import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ExecutorError } from '../errors.ts';
import { runTool } from '../tool.ts';
import { GUEST_TIMEOUT_MS, KERNEL_METAPACKAGE, MODULES, USERLAND_FILES, USERLAND_PACKAGES } from './constants.ts';
import { writeCpio, type CpioEntry } from './cpio.ts';
import { extractVmlinux } from './extract-vmlinux.ts';
import { kernelModules } from './kernel-modules.ts';

/** What every microVM boots: the same bytes for the same packages. */
export interface Guest {
  /** Uncompressed kernel. */
  kernel: string;
  /** Initial root file system: drivers, interpreter, agent. */
  initrd: string;
}

export interface GuestInit {
  /** Cache; several processes may share it. */
  dir: string;
  /** Kernel to use in place of Debian's, with every driver built in. */
  kernel?: string;
  /** Source of another agent than ours, for tests. */
  agent?: string | URL;
  onProgress?: (line: string) => void;
  signal?: AbortSignal;
}

/** Where the agent's source lies: beside this file, also in the built package. */
const AGENT = new URL('./agent.pl', import.meta.url);
const PARTS = 'parts';

/** The kernel and the parts of the guest, if they have been fetched; the initial root is made anew when the agent has changed. */
export async function findGuest({ dir, kernel, agent: source = AGENT }: Pick<GuestInit, 'dir' | 'kernel' | 'agent'>): Promise<Guest | undefined> {
  const parts = path.join(dir, PARTS);
  if (!existsSync(path.join(parts, 'vmlinux'))) return undefined;
  const agent = await readFile(source);
  const ready = await readdir(parts, { recursive: true, withFileTypes: true });
  const entries: CpioEntry[] = [{ path: 'init', mode: 0o755, data: agent }];
  for (const entry of ready.filter((one) => one.isFile() && one.name !== 'vmlinux').sort((a, b) => (path.join(a.parentPath, a.name) < path.join(b.parentPath, b.name) ? -1 : 1))) {
    const file = path.join(entry.parentPath, entry.name);
    const name = path.relative(parts, file);
    if (kernel !== undefined && name.startsWith('modules/')) continue;
    entries.push({ path: name, mode: name.startsWith('modules/') ? 0o644 : 0o755, data: await readFile(file) });
  }
  const archive = writeCpio(entries);
  const initrd = path.join(dir, `initrd-${createHash('sha256').update(archive).digest('hex').slice(0, 16)}.cpio`);
  await writeWhole(initrd, archive);
  if (kernel === undefined) return { kernel: path.join(parts, 'vmlinux'), initrd };
  const vmlinux = extractVmlinux(await readFile(kernel).catch((cause: unknown) => {
    throw new ExecutorError('GUEST_INVALID', 'the kernel cannot be read', { details: kernel, cause });
  }));
  const own = path.join(dir, `vmlinux-${createHash('sha256').update(vmlinux).digest('hex').slice(0, 16)}`);
  await writeWhole(own, vmlinux);
  return { kernel: own, initrd };
}

/**
 * Makes the guest, or finds the one made before: Debian's packages are downloaded by apt (which checks their signatures) and
 * unpacked, nothing is installed on this machine and none of their scripts is run.
 *
 * @throws ExecutorError TOOL_MISSING, TOOL_FAILED (no network, no package lists), GUEST_INVALID, ABORTED
 */
export async function prepareGuest(init: GuestInit): Promise<Guest> {
  const { dir, onProgress = () => undefined, signal } = init;
  const there = await findGuest(init);
  if (there) return there;
  const options = { timeoutMs: GUEST_TIMEOUT_MS, ...(signal ? { signal } : {}) };
  await mkdir(dir, { recursive: true, mode: 0o755 });
  const draft = await mkdtemp(path.join(dir, 'draft-'));
  try {
    const { stdout } = await runTool('apt-cache', ['depends', KERNEL_METAPACKAGE], options);
    const image = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
    if (image === undefined) {
      throw new ExecutorError('GUEST_INVALID', 'apt knows no kernel for the guest', { details: KERNEL_METAPACKAGE, hint: 'apt-get update, or GADUS_KERNEL=/path/to/vmlinux' });
    }
    onProgress(`downloading ${[image, ...USERLAND_PACKAGES].join(', ')}`);
    // apt drops its rights to a user of its own, who would need to write here.
    await runTool('/bin/sh', ['-c', 'cd "$1" && shift && exec apt-get -o APT::Sandbox::User=root download "$@"', 'gadus', draft, image, ...USERLAND_PACKAGES], options);
    const tree = path.join(draft, 'tree');
    for (const file of (await readdir(draft)).filter((name) => name.endsWith('.deb'))) {
      await runTool('dpkg-deb', ['--extract', path.join(draft, file), tree], options);
    }
    onProgress('unpacking');
    const parts = path.join(draft, PARTS);
    await collectParts(tree, parts);
    await chmod(draft, 0o755);
    await rename(parts, path.join(dir, PARTS)).catch((error: NodeJS.ErrnoException) => {
      // Another process may have been faster.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return (await findGuest(init))!;
}

/** Takes from the unpacked packages what the guest needs, laid out as its initial root. */
async function collectParts(tree: string, parts: string): Promise<void> {
  const put = async (name: string, data: Uint8Array) => {
    await mkdir(path.dirname(path.join(parts, name)), { recursive: true });
    await writeFile(path.join(parts, name), data);
  };
  const boot = await readdir(path.join(tree, 'boot')).catch(() => []);
  const compressed = boot.find((name) => name.startsWith('vmlinuz-'));
  if (compressed === undefined) throw new ExecutorError('GUEST_INVALID', 'the kernel\'s package holds no kernel');
  await put('vmlinux', extractVmlinux(await readFile(path.join(tree, 'boot', compressed))));
  const release = compressed.slice('vmlinuz-'.length);
  const modules = [...await kernelModules(path.join(tree, 'lib/modules', release), MODULES), ...await kernelModules(path.join(tree, 'usr/lib/modules', release), MODULES)];
  for (const { name, data } of modules) await put(`modules/${name}`, data);
  await put('modules/order', Buffer.from(modules.map(({ name }) => `${name}\n`).join('')));
  for (const [name, places] of Object.entries(USERLAND_FILES)) {
    const contents = (await Promise.all(places.map((place) => readFile(path.join(tree, place)).catch(() => undefined)))).find((data) => data !== undefined);
    if (contents === undefined) throw new ExecutorError('GUEST_INVALID', 'a package of the guest lacks a file', { details: name });
    await put(name, contents);
  }
}

/** Writes a file that others see whole or not at all; does nothing when it is there. */
async function writeWhole(file: string, data: Uint8Array): Promise<void> {
  if ((await readFile(file).catch(() => undefined))?.equals(data)) return;
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, data, { mode: 0o644 });
  await rename(draft, file);
}
