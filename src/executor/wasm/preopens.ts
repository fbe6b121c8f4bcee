import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { RunRequest } from '../engine.ts';
import { ExecutorError } from '../errors.ts';

/**
 * The directories a module is given: inputs, outputs, working directory (also as `.`) and /tmp, by the names other engines' jobs see them
 * under. WASI gives directories only, so an input file comes with the directory it was mounted in.
 *
 * @throws ExecutorError JOB_UNFIT when that would be the root
 */
export async function preopens({ spec, inputs }: Pick<RunRequest, 'spec' | 'inputs'>): Promise<Record<string, string>> {
  const directories = [spec.workdir, '/tmp', ...spec.outputs.map((output) => output.path).filter((output) => !output.startsWith(`${spec.workdir}/`))];
  for (const { path: source, target } of inputs) {
    const isDirectory = await stat(source).then((found) => found.isDirectory(), () => false);
    const directory = isDirectory ? target : path.posix.dirname(target);
    if (directory === '/') {
      throw new ExecutorError('JOB_UNFIT', 'a module cannot be given a file in the root directory', { details: target, hint: 'set the input\'s target below a directory, such as /inputs' });
    }
    directories.push(directory);
  }
  return { '.': spec.workdir, ...Object.fromEntries(directories.map((directory) => [directory, directory])) };
}
