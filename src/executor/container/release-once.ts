import { removeTree } from '../outputs/remove-tree.ts';
import { closeRunDirectory, type RunDirectory } from './run-directory.ts';

/** Removes a run's directory, the first time it is called. */
export function releaseOnce(run: RunDirectory): () => Promise<void> {
  let released: Promise<void> | undefined;
  const release = async () => {
    await removeTree(run.path);
    closeRunDirectory(run);
  };
  return () => (released ??= release());
}
