import { spawn } from 'node:child_process';
import type { Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { sibling } from '../../protocol/base/sibling.ts';
import { ExecutorError } from '../errors.ts';
import { systemPath } from '../tool.ts';
import { which } from '../container/runtime.ts';
import { LISTENER_TIMEOUT_MS, PROXY_PORT } from './constants.ts';

const program = fileURLToPath(sibling('namespace-listener', import.meta.url));

/**
 * A listener on the loopback of a process's network namespace, whose connections are accepted here. Nothing runs in that namespace
 * afterwards: a socket stays where it was made.
 *
 * @throws ExecutorError NETWORK_FAILED, TOOL_MISSING
 */
export async function listenInNamespace(pid: number, { signal, port = PROXY_PORT }: { signal?: AbortSignal; port?: number } = {}): Promise<Server> {
  const busybox = which('busybox');
  if (busybox === undefined) throw new ExecutorError('TOOL_MISSING', 'busybox is not installed', { hint: 'apt-get install busybox-static' });
  const child = spawn('nsenter', [`--net=/proc/${pid}/ns/net`, '--', process.execPath, '--no-warnings', program, busybox, String(port)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'], env: { PATH: systemPath() },
  });
  let words = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => { words = (words + text).slice(-1000); });
  const kill = () => child.kill('SIGKILL');
  const timer = setTimeout(kill, LISTENER_TIMEOUT_MS);
  signal?.addEventListener('abort', kill, { once: true });
  let server: Server | undefined;
  child.on('message', (_message, handle) => { server = handle as Server; });
  const failure = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code) => resolve(code === 0 ? undefined : words.trim() || `no listener after ${LISTENER_TIMEOUT_MS} ms`));
  });
  clearTimeout(timer);
  signal?.removeEventListener('abort', kill);
  if (server !== undefined && failure === undefined) return server;
  server?.close();
  throw new ExecutorError('NETWORK_FAILED', 'the job\'s way to the network could not be opened', { details: failure ?? 'no listener came back' });
}
