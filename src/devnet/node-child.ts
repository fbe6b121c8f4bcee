import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { sibling } from '../protocol/base/sibling.ts';
import type { NodeConfigInput } from '../node/index.ts';
import { BaseError } from '../protocol/index.ts';
import { NODE_STOP_TIMEOUT_MS, YOUNG_HEAP_MIB } from './constants.ts';
import type { NodeCommand, NodeReport } from './node-process.ts';

export type DevnetErrorCode = 'NODE_FAILED' | 'DEVNET_RUNNING';

/** Errors of the local network. */
export class DevnetError extends BaseError<DevnetErrorCode> {
  override readonly name = 'DevnetError';
}

export type NodeLine = Extract<NodeReport, { type: 'log' }>;

/** A node of the local network, in a process of its own. */
export interface NodeChild {
  address: `0x${string}`;
  addrs: string[];
  /** `page` is the link to the node's page. */
  api: { url: string; token: string; page: string };
  process: ChildProcess;
  send(command: NodeCommand): void;
  /** Asks the process to end, and kills it if it does not. */
  stop(): Promise<void>;
}

/** Forks a node and waits until it is ready. @throws DevnetError NODE_FAILED */
export async function startNodeChild(config: NodeConfigInput, onLog: (line: NodeLine) => void): Promise<NodeChild> {
  const entry = fileURLToPath(sibling('node-process', import.meta.url));
  const child = fork(entry, [JSON.stringify(config)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [...process.execArgv, `--max-semi-space-size=${YOUNG_HEAP_MIB}`] });
  let stderr = '';
  child.stderr!.on('data', (chunk: Buffer) => { stderr = (stderr + chunk.toString()).slice(-4000); });
  child.on('message', (message: NodeReport) => { if (message.type === 'log') onLog(message); });

  const ready = await new Promise<Extract<NodeReport, { type: 'ready' }>>((resolve, reject) => {
    const fail = (details: string) => reject(new DevnetError('NODE_FAILED', 'a node of the network did not start', { details }));
    child.on('message', (message: NodeReport) => {
      if (message.type === 'ready') resolve(message);
      if (message.type === 'failed') fail(message.message);
    });
    child.once('exit', (code, signal) => fail(`exit ${code ?? signal}; ${stderr.trim()}`));
  });
  return {
    address: ready.address as `0x${string}`, addrs: ready.addrs, api: ready.api, process: child,
    send: (command) => { if (child.connected) child.send(command); },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      if (child.connected) child.send({ type: 'stop' } satisfies NodeCommand);
      const timer = setTimeout(() => child.kill('SIGKILL'), NODE_STOP_TIMEOUT_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}
