import { constants } from 'node:fs';
import { open, opendir, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { OutputNotes } from '../../protocol/index.ts';
import { FINE_OUTPUT_NOTES, FIRST_OUTPUT_NOTE_INTERVAL_MS, MAX_NOTED_FILES, MAX_OUTPUT_NOTES, OUTPUT_NOTE_INTERVAL_MS } from '../constants.ts';

/** Where an output grows: its name in the result, and the path below a directory that the job does not own. */
export interface GrowingOutput { name: string; root: string; below: string }

/** Notes that are kept: frequent at first, every second one dropped when there are many. */
export interface NoteBook {
  /** What the distance of notes should be now, ms. */
  readonly pauseMs: number;
  /** @param t ms since the start mark, ascending */
  add(t: number, lengths: Map<string, number>): void;
  read(): OutputNotes;
}

/** An empty book. */
export function noteBook(intervalMs = FIRST_OUTPUT_NOTE_INTERVAL_MS): NoteBook {
  let notes: { t: number; lengths: Map<string, number> }[] = [];
  let pauseMs = intervalMs;
  return {
    get pauseMs() { return pauseMs; },
    add(t, lengths) {
      notes.push({ t, lengths });
      if (notes.length < (pauseMs < OUTPUT_NOTE_INTERVAL_MS ? FINE_OUTPUT_NOTES : MAX_OUTPUT_NOTES)) return;
      notes = notes.filter((_, i) => i % 2 === 1);
      pauseMs *= 2;
    },
    read() {
      const paths = [...new Set(notes.flatMap(({ lengths }) => [...lengths.keys()]))];
      return {
        t: Float64Array.from(notes, ({ t }) => t),
        files: paths.map((path) => ({ path, lengths: Float64Array.from(notes, ({ lengths }) => lengths.get(path) ?? 0) })),
      };
    },
  };
}

/** Notes being taken. */
export interface NoteTaker {
  /** How often it has looked, all of the look over. */
  readonly looks: number;
  /** Takes no more notes; resolves with those there are. */
  stop(): Promise<OutputNotes>;
}

/**
 * Notes from time to time how long the files of a running job's outputs are. Every directory on the way is opened without following links,
 * each from the one above it, so that a job cannot lead the look outside. Outputs of more than MAX_NOTED_FILES files and directories are not noted: nor can a job then
 * keep this process busy with looking, or its descriptors taken, by directories in one another. Notes begin
 * frequent; when there are many every second one is dropped and they become half as frequent, as samples do: soon at first, and hardly
 * ever once they are OUTPUT_NOTE_INTERVAL_MS apart.
 *
 * @param startedAt the start mark, `performance.now()`
 */
export function noteOutputs(outputs: readonly GrowingOutput[], startedAt: number, intervalMs = FIRST_OUTPUT_NOTE_INTERVAL_MS): NoteTaker {
  const stopping = new AbortController();
  const book = noteBook(intervalMs);
  let looks = 0;
  const taking = (async () => {
    for (;;) {
      await delay(book.pauseMs, undefined, { signal: stopping.signal });
      const t = performance.now() - startedAt;
      const lengths = await lengthsOf(outputs);
      looks++;
      // Looked at after the end, it would show what the run's end wrote, too.
      if (stopping.signal.aborted) return;
      if (lengths !== undefined) book.add(t, lengths);
    }
  })().catch(() => {});
  return {
    get looks() { return looks; },
    async stop() {
      stopping.abort();
      await taking;
      return book.read();
    },
  };
}

/** What one look has seen. */
interface Look { lengths: Map<string, number>; entries: number }

/** Lengths of all files of the outputs now, or undefined when there is too much. */
async function lengthsOf(outputs: readonly GrowingOutput[]): Promise<Map<string, number> | undefined> {
  const look: Look = { lengths: new Map(), entries: 0 };
  for (const { name, root, below } of outputs) {
    const components = below.split('/').filter(Boolean);
    const whole = await reach(root, components, (handle) => measure(handle, name, look));
    if (whole === false) return undefined;
  }
  return look.lengths;
}

/** Opens what lies below a directory, one component after the other. @returns undefined where there is nothing to measure */
async function reach<T>(at: string, [next, ...rest]: string[], use: (handle: FileHandle) => Promise<T>): Promise<T | undefined> {
  const handle = await open(at, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    return next === undefined ? await use(handle) : await reach(inside(handle, next), rest, use);
  } finally {
    await handle.close();
  }
}

/** @returns whether all files could be counted */
async function measure(handle: FileHandle, path: string, look: Look): Promise<boolean> {
  const stat = await handle.stat();
  if (stat.isFile()) look.lengths.set(path, stat.size);
  if (!stat.isDirectory()) return true;
  const names: string[] = [];
  for await (const entry of await opendir(`/proc/self/fd/${handle.fd}`)) {
    // Directories count as well, and what is neither: a job may make many that are empty.
    if (++look.entries > MAX_NOTED_FILES) return false;
    if (entry.isFile() || entry.isDirectory()) names.push(entry.name);
  }
  for (const name of names) {
    if (await reach(inside(handle, name), [], (child) => measure(child, `${path}/${name}`, look)) === false) return false;
  }
  return true;
}

function inside(handle: FileHandle, name: string): string {
  return `/proc/self/fd/${handle.fd}/${name}`;
}
