/** A benchmark prints its own tables and returns its numbers. */
export type Benchmark = (say: (line: string) => void) => Promise<Record<string, unknown>>;
