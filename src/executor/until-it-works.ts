/** The outcome of the first call that succeeds, made once for all who ask meanwhile; a failure is told to them, and the next call tries again. */
export function untilItWorks<T>(make: (signal?: AbortSignal) => Promise<T>): (signal?: AbortSignal) => Promise<T> {
  let made: Promise<T> | undefined;
  return (signal) => {
    made ??= make(signal).catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
