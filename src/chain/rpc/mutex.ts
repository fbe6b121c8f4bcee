/** Runs tasks one after the other, in the order they came; a failed one does not stop the next. */
export type Mutex = <T>(task: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

/** A task whose signal fires before its turn is not run. */
export function createMutex(): Mutex {
  let tail: Promise<unknown> = Promise.resolve();
  return (task, signal) => {
    const result = tail.then(() => {
      signal?.throwIfAborted();
      return task();
    });
    tail = result.catch(() => undefined);
    return result;
  };
}
