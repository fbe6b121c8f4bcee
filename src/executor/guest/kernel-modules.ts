import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

export interface KernelModule { name: string; data: Buffer }

/**
 * The modules of these names and those they depend on, in an order in which they can be loaded. A name for which there is no
 * file is taken to be built into the kernel. Modules name what they need in their `.modinfo` section.
 */
export async function kernelModules(directory: string, names: readonly string[]): Promise<KernelModule[]> {
  const files = new Map<string, string>();
  for (const file of await readdir(directory, { recursive: true }).catch(() => [])) {
    if (file.endsWith('.ko')) files.set(path.basename(file, '.ko').replaceAll('-', '_'), path.join(directory, file));
  }
  const found = new Map<string, KernelModule>();
  const add = async (name: string): Promise<void> => {
    const file = files.get(name);
    if (file === undefined || found.has(name)) return;
    files.delete(name);
    const data = await readFile(file);
    for (const dependency of dependencies(data)) await add(dependency.replaceAll('-', '_'));
    found.set(name, { name, data });
  };
  for (const name of names) await add(name);
  return [...found.values()];
}

function dependencies(module: Buffer): string[] {
  const key = Buffer.from('\0depends=', 'latin1');
  const at = module.indexOf(key);
  if (at < 0) return [];
  const start = at + key.length;
  return module.toString('latin1', start, module.indexOf(0, start)).split(',').filter(Boolean);
}
