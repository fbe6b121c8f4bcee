import { spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterSilence } from '../../protocol/index.ts';
import { groupProcesses, killQuietly, signalGroup } from '../cgroup/group.ts';
import type { CgroupFiles } from '../cgroup/layout.ts';
import { KILL_GRACE_MS, KILL_PASS_MS, KILL_SWEEP_MS, START_TIMEOUT_MS, STOP_TIMEOUT_MS } from '../constants.ts';
import { openControl, type Control } from '../control.ts';
import type { RunRequest } from '../engine.ts';
import { ExecutorError } from '../errors.ts';
import { systemPath } from '../tool.ts';
import { captureLog, type LogCapture } from './log-capture.ts';
import type { RunDirectory } from './run-directory.ts';
import type { Runtime } from './runtime.ts';

/** A container in the foreground of its runtime, which deletes it when it ends. Its init is up and nothing of the job has run. */
export interface Container {
  /** Init's process id on this machine. */
  initPid: number;
  control: Control;
  stdout: LogCapture;
  stderr: LogCapture;
  /** Settles when the runtime has left. */
  left: Promise<void>;
}

export interface ContainerInit {
  runtime: Runtime;
  runtimeRoot: string;
  run: RunDirectory;
  files: CgroupFiles;
  /** Open file for init's exit status. */
  statusFd: number;
  logBytes: number;
  onLog: NonNullable<RunRequest['onLog']>;
}

/** Starts a container and waits for its init. @throws ExecutorError START_FAILED, START_TIMEOUT */
export async function startContainer(init: ContainerInit): Promise<Container> {
  const { runtime, run, files, logBytes, onLog } = init;
  const args = ['--root', init.runtimeRoot, '--log', run.runtimeLog, 'run', '--bundle', run.bundle, '--preserve-fds', '2', run.name];
  const pipes = run.pipes.map(openPipe);
  const child = spawn(runtime.path, args, {
    stdio: ['ignore', pipes[0]!.writeFd, pipes[1]!.writeFd, 'pipe', init.statusFd],
    env: { PATH: systemPath() },
    // A terminal's Ctrl-C is for this process to handle, not for the runtime.
    detached: true,
  });
  for (const { writeFd } of pipes) closeSync(writeFd);
  let startError = '';
  const left = new Promise<void>((resolve) => {
    child.on('error', (error) => { startError = error.message; resolve(); });
    child.on('exit', () => resolve());
  });
  const stdout = captureLog(pipes[0]!.reader, run.stdout, logBytes, (chunk) => onLog('stdout', chunk));
  const stderr = captureLog(pipes[1]!.reader, run.stderr, logBytes, (chunk) => onLog('stderr', chunk));
  const control = openControl(child.stdio[3] as Duplex);
  const timeout = new AbortController();
  try {
    const outcome = await Promise.race([
      control.ready.then(() => 'ready' as const),
      left.then(() => 'left' as const),
      control.exited.then(() => 'ended' as const),
      delay(START_TIMEOUT_MS, 'late' as const, { signal: timeout.signal }),
    ]);
    if (outcome === 'late') throw new ExecutorError('START_TIMEOUT', 'the container did not start', { details: `no sign of it after ${START_TIMEOUT_MS} ms` });
    const [initPid] = groupProcesses(files);
    if (outcome !== 'ready' || initPid === undefined) {
      if (outcome === 'left') await stderr.done;
      throw new ExecutorError('START_FAILED', 'the container could not be started', { details: startError || complaint(run) || `${runtime.name} said nothing` });
    }
    return { initPid, control, stdout, stderr, left };
  } finally {
    timeout.abort();
  }
}

/** How a job came to its end: by itself, by its time limit, or with its whole container. */
export interface JobEnd { exitCode: number; timedOut: boolean; lost: boolean }

const SIGKILL_CODE = 128 + 9;

/** Waits for the job's end, and brings it about when its time is over: SIGTERM, then SIGKILL after KILL_GRACE_MS. */
export async function awaitEnd({ control, left, initPid }: Container, files: CgroupFiles, statusFd: number, timeoutMs: number): Promise<JobEnd> {
  const timers = new AbortController();
  const wait = (ms: number) => delay(ms, undefined, { signal: timers.signal });
  let timedOut = false;
  const expire = async () => {
    await wait(timeoutMs);
    // A stalled event loop runs this before it reads that the job has ended long ago.
    if (fstatSync(statusFd).size > 0) return;
    timedOut = true;
    signalGroup(files, 'SIGTERM', [initPid]);
    await wait(KILL_GRACE_MS);
    // Init is spared as long as it can be: it holds the totals and knows the exit code.
    for (const end = performance.now() + KILL_SWEEP_MS; performance.now() < end;) {
      signalGroup(files, 'SIGKILL', [initPid]);
      await wait(KILL_PASS_MS);
    }
    killQuietly(initPid, 'SIGKILL');
  };
  expire().catch(() => undefined);
  try {
    return await Promise.race([
      control.exited.then((exitCode) => ({ exitCode, timedOut, lost: false })),
      left.then(() => ({ exitCode: SIGKILL_CODE, timedOut, lost: true })),
    ]);
  } finally {
    timers.abort();
  }
}

/** Kills what is left of a container and waits for the runtime to delete it and for the last of the log. @throws ExecutorError START_FAILED, with what did not end */
export async function endContainer({ initPid, left, stdout, stderr }: Container, end: JobEnd): Promise<void> {
  if (!end.lost) killQuietly(initPid, 'SIGKILL');
  const open = new Set<string>();
  const ends = [['the runtime', left], ['its output', stdout.done], ['its errors', stderr.done]] as const;
  const all = ends.map(async ([what, ending]) => {
    open.add(what);
    await ending;
    open.delete(what);
  });
  const late = Promise.withResolvers<never>();
  const stopWaiting = afterSilence(STOP_TIMEOUT_MS, () => {
    late.reject(new ExecutorError('START_FAILED', 'the container could not be stopped', { details: `${[...open].join(', ')} still there after ${STOP_TIMEOUT_MS} ms` }));
  });
  try {
    await Promise.race([Promise.all(all), late.promise]);
  } finally {
    stopWaiting();
  }
}

/** Both ends of a named pipe, which belongs to the job. A child's ordinary `pipe` is a socket, which a job could not open again as /dev/stdout. */
function openPipe(file: string): { reader: Socket; writeFd: number } {
  const reader = new Socket({ fd: openSync(file, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
  return { reader, writeFd: openSync(file, constants.O_WRONLY) };
}

/** Last words of the runtime: its log, and what it printed where the job's errors would have gone. */
function complaint(run: RunDirectory): string {
  const words = [run.runtimeLog, run.stderr].map((file) => {
    try {
      return readFileSync(file, 'utf8').trim().slice(-1500);
    } catch {
      return '';
    }
  }).filter(Boolean);
  return [...new Set(words)].join('; ');
}
