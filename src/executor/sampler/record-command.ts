import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import type { Trace } from '../../protocol/index.ts';
import { KILL_GRACE_MS, SAMPLE_INTERVAL_MS } from '../constants.ts';
import { openControl } from '../control.ts';
import type { SamplingStats } from '../engine.ts';
import { ExecutorError, aborted } from '../errors.ts';
import { killQuietly } from '../cgroup/group.ts';
import { INIT_SCRIPT } from '../init-script.ts';
import { processTree } from './process-table.ts';
import { startSampler } from './sampler.ts';

export interface Recording {
  trace: Trace;
  /** 128 + n for signal n. */
  exitCode: number;
  sampling: SamplingStats;
}

export interface RecordOptions {
  /** Distance of samples, ms. */
  intervalMs?: number;
  cwd?: string;
  env?: Record<string, string | undefined>;
  /** The command's three standard streams; inherited unless said otherwise. */
  stdio?: [StdioEntry, StdioEntry, StdioEntry];
  /** Called with the streams that `stdio` asked for as `pipe`. */
  onStreams?: (streams: { stdin: ChildProcess['stdin']; stdout: Readable | null; stderr: Readable | null }) => void;
  /** Aborting ends the command (SIGTERM, then SIGKILL) and rejects with ABORTED. */
  signal?: AbortSignal;
}
type StdioEntry = 'inherit' | 'ignore' | 'pipe' | number;

/**
 * Runs a plain command of this machine, without any container, and samples it with all its descendants.
 *
 * CPU time has the resolution of a clock tick (10 ms) here. Descendants that detach before any sample saw them are missed.
 *
 * @throws ExecutorError START_FAILED, SAMPLER_FAILED, ABORTED
 */
export async function recordCommand(argv: string[], options: RecordOptions = {}): Promise<Recording> {
  const { intervalMs = SAMPLE_INTERVAL_MS, stdio = ['inherit', 'inherit', 'inherit'], signal, onStreams } = options;
  if (signal?.aborted) throw aborted(signal);
  const statusPath = path.join(tmpdir(), `gadus-record-${randomUUID()}`);
  const statusFd = openSync(statusPath, 'wx+', 0o600);
  rmSync(statusPath);
  let shell: ChildProcess | undefined;
  try {
    shell = spawn('/bin/sh', ['-c', INIT_SCRIPT, 'gadus', ...argv], {
      stdio: [...stdio, 'pipe', statusFd] as StdioOptions,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
    });
    const control = openControl(shell.stdio[3] as Duplex);
    const gone = new Promise<never>((_, reject) => {
      shell!.on('error', (cause) => reject(new ExecutorError('START_FAILED', 'the command could not be started', { cause })));
      shell!.on('exit', (code, name) => reject(new ExecutorError('START_FAILED', 'the recorder ended early', { details: String(name ?? code) })));
    });
    gone.catch(() => undefined);
    onStreams?.({ stdin: shell.stdin, stdout: shell.stdout, stderr: shell.stderr });
    await Promise.race([control.ready, gone]);
    const rootPid = shell.pid!;
    const sampler = await startSampler({ rootPid, statusFd }, { intervalMs });
    const stop = watchAbort(rootPid, signal);
    try {
      sampler.go();
      control.go();
      const exitCode = await Promise.race([control.exited, gone]);
      const { stats, ...series } = await sampler.stop();
      if (signal?.aborted) throw aborted(signal);
      return { exitCode, sampling: stats, trace: { version: 1, engine: 'process', intervalMs: series.intervalMs, t: series.t, channels: series.channels } };
    } finally {
      stop();
      await sampler.stop().catch(() => undefined);
    }
  } finally {
    if (shell?.pid !== undefined) killQuietly(shell.pid, 'SIGKILL');
    closeSync(statusFd);
  }
}

/** Samples a process that already runs, and its descendants, until it ends or `signal` aborts. @throws ExecutorError SAMPLER_FAILED */
export async function sampleProcessTree(
  pid: number, options: { intervalMs?: number; signal?: AbortSignal } = {},
): Promise<{ trace: Trace; sampling: SamplingStats }> {
  const { intervalMs = SAMPLE_INTERVAL_MS, signal } = options;
  const sampler = await startSampler({ rootPid: pid }, { intervalMs });
  sampler.go();
  const { stats, ...series } = await sampler.result(signal);
  return { sampling: stats, trace: { version: 1, engine: 'process', intervalMs: series.intervalMs, t: series.t, channels: series.channels } };
}

/** On abort: SIGTERM to every descendant, and SIGKILL after the grace time. Returns what ends the watch. */
function watchAbort(rootPid: number, signal: AbortSignal | undefined): () => void {
  const send = (name: keyof typeof constants.signals) => {
    for (const pid of processTree(rootPid).slice(1)) killQuietly(pid, name);
  };
  let timer: NodeJS.Timeout | undefined;
  const onAbort = () => {
    send('SIGTERM');
    timer = setTimeout(() => send('SIGKILL'), KILL_GRACE_MS);
  };
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort);
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  };
}
