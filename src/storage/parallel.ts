/**
 * Runs a task for every item, a few at a time. The first failure stops the start of further tasks; the promise settles only when
 * no task is running any more.
 */
export async function forEachParallel<T>(items: Iterable<T> | AsyncIterable<T>, limit: number, task: (item: T) => Promise<void>): Promise<void> {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  try {
    for await (const item of items) {
      if (failures.length > 0) break;
      const run = task(item).catch((error: unknown) => { failures.push(error); }).finally(() => running.delete(run));
      running.add(run);
      if (running.size >= limit) await Promise.race(running);
    }
  } finally {
    await Promise.all(running);
  }
  if (failures.length > 0) throw failures[0];
}
