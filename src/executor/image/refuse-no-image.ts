import { open } from 'node:fs/promises';
import { isError } from '../../protocol/index.ts';
import { ExecutorError } from '../errors.ts';
import { runTool } from '../tool.ts';

/**
 * Looks at the beginning of a file that is to be an image: a tar of whatever kind, compressed or not, or with a module. That an image is whole, and fits, shows only where it is unpacked.
 *
 * @throws ExecutorError IMAGE_INVALID, TOOL_MISSING, ABORTED; what the file system says
 */
export async function refuseNoImage(file: string, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
  if (await isModule(file)) return;
  const seen = new Error('an entry');
  try {
    await runTool('tar', ['--list', '--file', file], { ...(signal ? { signal } : {}), onLine: () => { throw seen; } });
  } catch (error) {
    if (error === seen) return;
    if (!isError(error, 'TOOL_FAILED')) throw error;
    throw new ExecutorError('IMAGE_INVALID', 'the file is no image', {
      details: error.details ?? file, hint: 'a tar of a file system, an archive of an OCI layout or of docker save, or a WebAssembly module is one', cause: error,
    });
  }
  throw new ExecutorError('IMAGE_INVALID', 'the image is empty', { details: file });
}

/** `\0asm`. */
const MODULE_MAGIC = Buffer.of(0, 0x61, 0x73, 0x6d);

/** Whether a file is a WebAssembly module, by its first bytes. */
export async function isModule(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(MODULE_MAGIC.length), 0, MODULE_MAGIC.length, 0);
    return buffer.equals(MODULE_MAGIC);
  } finally {
    await handle.close();
  }
}
