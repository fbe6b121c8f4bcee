import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ExecutorError } from '../errors.ts';
import { runTool } from '../tool.ts';
import { GUEST_DIRECTORY } from './constants.ts';

const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const GUEST_FILES = ['run-module', 'report-meter', 'count-io', 'meter-page', 'module-meter', 'waypoints'].map((name) => name + extension);

/** The runner's path inside the sandbox. */
export const RUNNER = `${GUEST_DIRECTORY}/${GUEST_FILES[0]}`;

/**
 * The file system a module's process lives in: this Node's shared libraries, and the runner. Node itself is mounted into it. Nothing
 * else is there for a module that finds its way out of its directories.
 *
 * @returns the directory below `dir`, made at first use and when Node, its libraries or the runner change
 * @throws ExecutorError TOOL_MISSING, TOOL_FAILED, ABORTED
 */
export async function prepareSandboxRoot(dir: string, { signal }: { signal?: AbortSignal } = {}): Promise<string> {
  const libraries = await librariesOf(process.execPath, signal);
  const guest = GUEST_FILES.map((name) => ({ name, from: fileURLToPath(new URL(`guest/${name}`, import.meta.url)) }));
  const hash = createHash('sha256').update(process.version);
  for (const file of [...libraries, ...guest.map(({ from }) => from)]) hash.update(file).update(await readFile(file));
  const root = path.join(dir, `root-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(root)) return root;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const draft = path.join(dir, `.draft-${randomUUID()}`);
  try {
    const place = async (from: string, target: string, mode: number) => {
      const to = path.join(draft, target);
      // Not recursive alone: its modes would follow the caller's umask.
      for (let at = draft; at !== path.dirname(to);) {
        at = path.join(at, path.relative(at, to).split('/')[0]!);
        if (!existsSync(at)) await mkdir(at).then(() => chmod(at, 0o755));
      }
      await copyFile(from, to);
      await chmod(to, mode);
    };
    await mkdir(draft);
    await chmod(draft, 0o755);
    for (const file of libraries) await place(file, file, 0o755);
    for (const { name, from } of guest) await place(from, `${GUEST_DIRECTORY}/${name}`, 0o444);
    await rename(draft, root);
  } catch (error) {
    // Another process may have been faster with the same root.
    if (!existsSync(root)) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return root;
}

/** Absolute paths of a program's shared libraries and of its loader (ldd(1)); none when it is static. */
async function librariesOf(program: string, signal?: AbortSignal): Promise<string[]> {
  const { stdout } = await runTool('ldd', [program], { accept: [1], ...(signal ? { signal } : {}) });
  if (/not found/.test(stdout)) throw new ExecutorError('TOOL_FAILED', 'Node lacks a library here', { details: stdout.trim() });
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1]!);
}
