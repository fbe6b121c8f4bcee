import { isMainThread } from 'node:worker_threads';

/** Owner writes, everybody reads: what files and folders have that are made without a word on it. */
const USUAL_UMASK = 0o022;

/**
 * For a process that runs jobs: what it makes for them they must be able to read, and they are nobody, so it must not depend on the mask of whoever started it. What is
 * private has modes of its own.
 */
export function takeUsualUmask(): void {
  if (isMainThread) process.umask(USUAL_UMASK);
}
