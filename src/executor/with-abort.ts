import { aborted } from './errors.ts';

/** Waits for a step or the signal, whichever is first. @throws ExecutorError ABORTED */
export type OrAbort = <T>(promise: Promise<T>) => Promise<T>;

/** Does work of many steps, whose waits the signal ends. */
export async function withAbort<T>(signal: AbortSignal | undefined, work: (orAbort: OrAbort) => Promise<T>): Promise<T> {
  const abort = Promise.withResolvers<never>();
  abort.promise.catch(() => undefined);
  const onAbort = () => abort.reject(aborted(signal!));
  signal?.addEventListener('abort', onAbort);
  try {
    return await work((promise) => Promise.race([promise, abort.promise]));
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
