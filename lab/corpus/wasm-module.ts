import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../src/protocol/index.ts';
import { LabError } from './errors.ts';
import { draftOf } from './remove-dead-drafts.ts';

const SOURCES = new URL('./programs/wasm/', import.meta.url);

/**
 * A WASI module of one of the laboratory's C programs, compiled when first asked for (Debian: clang, lld, wasi-libc, libclang-rt-dev-wasm32).
 *
 * @returns path of the module
 * @throws LabError IMAGE_FAILED
 */
export async function wasmModule(directory: string, program: string, { signal }: { signal?: AbortSignal } = {}): Promise<string> {
  const source = new URL(`${program}.c`, SOURCES).pathname;
  const digest = createHash('sha256').update(await readFile(source)).digest('hex').slice(0, 12);
  const module = join(directory, `${program}-${digest}.wasm`);
  if (existsSync(module)) return module;
  await mkdir(directory, { recursive: true });
  const draft = draftOf(module);
  try {
    await promisify(execFile)('clang', ['--target=wasm32-wasi', '-O2', '-o', draft, source], signal === undefined ? {} : { signal });
  } catch (cause) {
    throw new LabError('IMAGE_FAILED', 'a WASI program cannot be compiled', { details: `${program}: ${messageOf(cause)}`, cause, hint: 'apt-get install clang lld wasi-libc libclang-rt-dev-wasm32' });
  }
  await rename(draft, module);
  return module;
}
