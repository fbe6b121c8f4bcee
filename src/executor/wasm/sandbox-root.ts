import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ExecutorError } from '../errors.ts';
import { runTool } from '../tool.ts';
import { GUEST_DIRECTORY } from './constants.ts';

const extension = path.extname(import.meta.url);
const GUEST_FILES = ['run-module', 'report-meter', 'count-io', 'meter-page', 'meter-record', 'module-meter', 'waypoints'];

/** The runner's path inside the sandbox. */
export const RUNNER = `${GUEST_DIRECTORY}/${GUEST_FILES[0]}.mjs`;

const roots = new Map<string, Promise<string>>();

/**
 * The file system a module's process lives in: this Node's shared libraries, and the runner. Node itself is mounted into it. Nothing
 * else is there for a module that finds its way out of its directories.
 *
 * @returns the directory below `dir`, made at first use and when Node, its libraries or the runner change; what they are is looked at once for each process
 * @throws ExecutorError TOOL_MISSING, TOOL_FAILED
 */
export async function prepareSandboxRoot(dir: string): Promise<string> {
  const known = await roots.get(dir)?.catch(() => undefined);
  if (known !== undefined && existsSync(known)) return known;
  const made = makeSandboxRoot(dir);
  roots.set(dir, made);
  return made;
}

async function makeSandboxRoot(dir: string): Promise<string> {
  const libraries = await librariesOf(process.execPath);
  const guest = GUEST_FILES.map((name) => ({ name: `${name}.mjs`, from: fileURLToPath(new URL(`guest/${name}${extension}`, import.meta.url)) }));
  const hash = createHash('sha256').update(process.version);
  for (const file of [...libraries, ...guest.map(({ from }) => from)]) hash.update(file).update(await readFile(file));
  const root = path.join(dir, `root-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(root)) return root;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const draft = path.join(dir, `.draft-${randomUUID()}`);
  try {
    const place = async (content: Uint8Array | string, target: string, mode: number) => {
      const to = path.join(draft, target);
      // Not recursive alone: its modes would follow the caller's umask.
      for (let at = draft; at !== path.dirname(to);) {
        at = path.join(at, path.relative(at, to).split('/')[0]!);
        if (!existsSync(at)) await mkdir(at).then(() => chmod(at, 0o755));
      }
      await writeFile(to, content);
      await chmod(to, mode);
    };
    await mkdir(draft);
    await chmod(draft, 0o755);
    for (const file of libraries) await place(await readFile(file), file, 0o755);
    for (const { name, from } of guest) await place(await plain(from), `${GUEST_DIRECTORY}/${name}`, 0o444);
    await rename(draft, root);
  } catch (error) {
    // Another process may have been faster with the same root.
    if (!existsSync(root)) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return root;
}

/** Prints a file without its types. */
const STRIP = "process.stdout.write(require('node:module').stripTypeScriptTypes(require('node:fs').readFileSync(process.argv[1], 'utf8')))";

/** A file of the runner as Node takes it at once: its compiler of types alone would need longer to come up than Node itself, once in each thread. */
async function plain(file: string): Promise<string> {
  const text = extension === '.ts' ? (await runTool(process.execPath, ['--no-warnings', '--eval', STRIP, file])).stdout : await readFile(file, 'utf8');
  return text.replaceAll(/(?<=^import .* from '\.\/[a-z-]+)\.[jt]s(?=';$)/gm, '.mjs');
}

/** Absolute paths of a program's shared libraries and of its loader (ldd(1)); none when it is static. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await runTool('ldd', [program], { accept: [1] });
  if (/not found/.test(stdout)) throw new ExecutorError('TOOL_FAILED', 'Node lacks a library here', { details: stdout.trim() });
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1]!);
}
