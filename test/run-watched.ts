import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longest that a process which was asked to end takes for it, ms: what a network of five nodes needs to stop on a machine under full load. */
const END_TIMEOUT_MS = 30_000;
/** Pause between two looks whether a process group is still there, ms. */
const LOOK_EVERY_MS = 50;

/** What became of a process: `silent` when it had said nothing for too long, and was ended for that. */
export interface Watched { code: number | null; output: string; silent: boolean }

export interface WatchOptions {
  /** Longest that it may say nothing, ms. */
  silenceMs: number;
  /** Longest that it may take to end when it is asked to, ms. */
  endMs?: number;
  /** Called with what it says, as it says it. */
  onOutput?: (text: string) => void;
  signal?: AbortSignal;
}

/**
 * Runs a program in a process group of its own until it has ended and closed its output. One that says nothing for too long, with all it started, is
 * interrupted, upon which Node's test runner names the tests that were running and ends; what is left of the group after that is killed. Aborted, it is ended
 * the same way.
 */
export async function runWatched(program: string, args: readonly string[], { silenceMs, endMs = END_TIMEOUT_MS, onOutput, signal }: WatchOptions): Promise<Watched> {
  // What tests write is for everybody to read, as jobs need it, whoever started them.
  process.umask(0o022);
  // A test runner that finds it set reports to another one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env });
  let output = '';
  let silent = false;
  const over = Promise.withResolvers<number | null>();
  const closed = new Promise<number | null>((resolve) => { child.once('close', resolve); });
  child.once('error', over.reject);
  let ending: Promise<void> | undefined;
  const end = async (pid: number) => {
    tell(pid, 'SIGINT');
    await Promise.race([closed, sleep(endMs, undefined, { ref: false })]);
    for (const deadline = performance.now() + endMs; tell(-pid, 0) && performance.now() < deadline;) await sleep(LOOK_EVERY_MS);
    tell(-pid, 'SIGKILL');
    // Whoever left the group may still hold on to the output: what it says is not waited for.
    await Promise.race([closed, sleep(LOOK_EVERY_MS)]);
    for (const stream of [child.stdout, child.stderr]) stream.destroy();
    over.resolve(child.exitCode);
  };
  const stop = () => { if (child.pid !== undefined) ending ??= end(child.pid); };
  const watchdog = setTimeout(() => { silent = true; stop(); }, silenceMs);
  const hear = (text: string) => {
    output += text;
    onOutput?.(text);
    if (!silent) watchdog.refresh();
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear);
  signal?.addEventListener('abort', stop);
  if (signal?.aborted === true) stop();
  void closed.then(over.resolve);
  try {
    const code = await over.promise;
    return { code, output, silent };
  } finally {
    clearTimeout(watchdog);
    signal?.removeEventListener('abort', stop);
  }
}

/** What is said of a run of tests that was ended for its silence. */
export function hung(what: string, silenceMs: number): string {
  return `HUNG: nothing was heard of ${what} for ${silenceMs / 1000} s, so it was ended; "Interrupted while running" above names the test, if one was running\n`;
}

/** Aborts when this process is asked to end. */
export function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopping.abort());
  return stopping.signal;
}

/** Sends a signal to a process, or to a group by its negative number. @returns whether there is one */
function tell(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
