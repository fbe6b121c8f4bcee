import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { draftOf } from './remove-dead-drafts.ts';

/** Name of the file that an output is kept in. */
export function outputFileName(digest: string): string {
  return `${digest.slice(2)}.gz`;
}

/** Keeps the bytes of an output, its files one behind the other as a profile reads them, under its digest; once. */
export async function keepOutput(directory: string, digest: string, files: readonly string[]): Promise<void> {
  const file = join(directory, outputFileName(digest));
  if (existsSync(file)) return;
  await mkdir(directory, { recursive: true });
  const draft = draftOf(file);
  await writeFile(draft, await promisify(gzip)(Buffer.concat(await Promise.all(files.map((path) => readFile(path)))), { level: 1 }));
  await rename(draft, file);
}
