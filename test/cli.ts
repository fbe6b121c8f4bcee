import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const GADUS = fileURLToPath(new URL('../bin/gadus', import.meta.url));
/** Longest run of one command in a test, ms. */
const COMMAND_TIMEOUT_MS = 180_000;

export interface Outcome { code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }

export interface Started {
  process: ChildProcess;
  /** What it printed so far. */
  stdout(): string;
  stderr(): string;
  ended: Promise<Outcome>;
}

export interface StartOptions {
  env?: Record<string, string>;
  cwd?: string;
  input?: string;
  /** In a process group of its own, as a shell starts it: a signal to the group is what Ctrl-C sends. */
  group?: boolean;
}

/** Starts the command line. */
export function startGadus(args: readonly string[], options: StartOptions = {}): Started {
  return startProgram(GADUS, args, options);
}

/** Starts a script under this Node. */
export function startProgram(script: string, args: readonly string[], { env = {}, cwd, input, group = false }: StartOptions = {}): Started {
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...process.env, NO_COLOR: '1', ...env }, stdio: ['pipe', 'pipe', 'pipe'], detached: group, ...(cwd === undefined ? {} : { cwd }),
  });
  child.stdin.end(input ?? '');
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => { stdout += chunk; });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => { stderr += chunk; });
  const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_TIMEOUT_MS);
  const ended = new Promise<Outcome>((resolve) => {
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
  return { process: child, stdout: () => stdout, stderr: () => stderr, ended };
}
