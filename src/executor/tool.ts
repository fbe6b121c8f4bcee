import { spawn } from 'node:child_process';
import { ExecutorError, aborted } from './errors.ts';
import { TOOL_TIMEOUT_MS } from './constants.ts';

const MAX_OUTPUT_CHARS = 64 * 1024 * 1024;
const REMEDIES: Record<string, string> = {
  'mkfs.ext4': 'apt-get install e2fsprogs',
  mount: 'apt-get install mount',
  umount: 'apt-get install mount',
  losetup: 'apt-get install mount',
  tar: 'apt-get install tar',
  runc: 'apt-get install runc',
  crun: 'apt-get install crun',
  mmdebstrap: 'apt-get install mmdebstrap',
  skopeo: 'apt-get install skopeo, or brew install skopeo',
};

export interface ToolOptions {
  signal?: AbortSignal;
  timeoutMs?: number;
  env?: Record<string, string>;
  /** Exit codes beside 0 that are no failure. */
  accept?: number[];
  /** Called for each line of stdout, which is then not collected. */
  onLine?: (line: string) => void;
  /** Called for each chunk of stderr. */
  onStderr?: (text: string) => void;
}

/**
 * Runs a helper program of the system to its end.
 *
 * @throws ExecutorError TOOL_MISSING with the package to install, TOOL_FAILED with the end of its stderr, ABORTED
 */
export async function runTool(file: string, args: string[], options: ToolOptions = {}): Promise<{ code: number; stdout: string; stderr: string }> {
  const { signal, timeoutMs = TOOL_TIMEOUT_MS, accept = [], onLine, onStderr } = options;
  if (signal?.aborted) throw aborted(signal);
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: systemPath(), LC_ALL: 'C.UTF-8', ...options.env },
  });
  let stdout = '';
  let stderr = '';
  let failure: unknown;
  let timedOut = false;
  const kill = () => child.kill('SIGKILL');
  const timer = setTimeout(() => { timedOut = true; kill(); }, timeoutMs);
  signal?.addEventListener('abort', kill);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (onLine) {
      const lines = stdout.split('\n');
      stdout = lines.pop()!;
      try {
        lines.forEach(onLine);
      } catch (error) {
        failure ??= error;
        kill();
      }
    }
    if (stdout.length > MAX_OUTPUT_CHARS) kill();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4000);
    onStderr?.(text);
  });
  const end = await new Promise<{ code: number } | { error: NodeJS.ErrnoException }>((resolve) => {
    child.on('error', (error) => resolve({ error }));
    child.on('close', (code) => resolve({ code: code ?? -1 }));
  });
  clearTimeout(timer);
  signal?.removeEventListener('abort', kill);
  if (signal?.aborted) throw aborted(signal);
  if (failure !== undefined) throw failure;
  if ('error' in end) {
    const missing = end.error.code === 'ENOENT';
    throw new ExecutorError(missing ? 'TOOL_MISSING' : 'TOOL_FAILED', missing ? `${file} is not installed` : `${file} could not be started`, {
      cause: end.error,
      ...(missing && REMEDIES[file] ? { hint: REMEDIES[file] } : {}),
    });
  }
  if (end.code !== 0 && !accept.includes(end.code)) {
    const why = timedOut ? `no end after ${timeoutMs} ms` : stderr.trim().slice(-1500) || `exit code ${end.code}`;
    throw new ExecutorError('TOOL_FAILED', `${file} failed`, { details: why });
  }
  return { code: end.code, stdout, stderr };
}

/** The caller's PATH with the places where Debian keeps mount, mkfs and runc. */
export function systemPath(): string {
  return `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`;
}
