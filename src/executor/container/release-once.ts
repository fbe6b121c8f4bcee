import { rm } from 'node:fs/promises';
import { closeRunDirectory, type RunDirectory } from './run-directory.ts';

/** Removes a run's directory, the first time it is called. */
export function releaseOnce(run: RunDirectory): () => Promise<void> {
  let released: Promise<void> | undefined;
  const release = async () => {
    await rm(run.path, { recursive: true, force: true });
    closeRunDirectory(run);
  };
  return () => (released ??= release());
}
