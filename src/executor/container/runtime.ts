import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { runTool, systemPath } from '../tool.ts';

/** An OCI runtime of this machine. */
export interface Runtime { name: string; path: string; version: string }

/** In order of preference: runc's own copying of the log gives jobs a real pipe, which can be opened again under /dev/stdout. */
export const RUNTIMES = ['runc', 'crun'];

/** Finds a runtime by name or path. Undefined when there is none. @throws ExecutorError TOOL_FAILED when it does not run */
export async function findRuntime(name: string, options: { signal?: AbortSignal } = {}): Promise<Runtime | undefined> {
  const file = which(name);
  if (file === undefined) return undefined;
  const { stdout } = await runTool(file, ['--version'], options);
  return { name: path.basename(name), path: file, version: /version:?\s+(\S+)/i.exec(stdout)?.[1] ?? 'unknown' };
}

/** Path of an executable, from a name or a path. */
export function which(name: string): string | undefined {
  const candidates = name.includes('/') ? [name] : systemPath().split(':').filter(Boolean).map((directory) => path.join(directory, name));
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
