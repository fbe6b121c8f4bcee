import type { Socket } from 'node:net';
import { HELPER_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from './constants.ts';
import { demultiplex } from './demultiplex.ts';
import type { DockerClient } from './docker-client.ts';
import { INIT_PATH } from '../constants.ts';

/** One container, by its id. */
export interface DockerContainer {
  /** Both directions of process 1's standard streams. */
  attach(): Promise<Socket>;
  start(): Promise<void>;
  inspect(): Promise<{ State: { Pid: number; OOMKilled: boolean } }>;
  update(limits: Record<string, number>): Promise<void>;
  kill(): Promise<void>;
  /** Runs a script of the init's shell inside, as the job's user; resolves when it has ended. */
  helper(script: string, args: string[], onOutput?: (chunk: Buffer) => void): Promise<void>;
  /** Kills and deletes it, its volumes included. */
  remove(): Promise<void>;
}

export function dockerContainer(client: DockerClient, id: string, signal?: AbortSignal): DockerContainer {
  const options = signal ? { signal } : {};
  return {
    attach: () => client.hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`, options),
    start: () => client.call('POST', `/containers/${id}/start`, options),
    inspect: () => client.call('GET', `/containers/${id}/json`, options),
    update: (limits) => client.call('POST', `/containers/${id}/update`, { ...options, body: limits }),
    kill: () => client.call('POST', `/containers/${id}/kill?signal=KILL`, { accept: [404, 409] }),
    async helper(script, args, onOutput = () => undefined) {
      const { Id } = await client.call<{ Id: string }>('POST', `/containers/${id}/exec`, { ...options, body: { AttachStdout: true, AttachStderr: true, Cmd: [INIT_PATH, '-c', script, 'gadus', ...args] } });
      const socket = await client.hijack(`/exec/${Id}/start`, { ...options, body: { Detach: false, Tty: false }, timeoutMs: HELPER_TIMEOUT_MS });
      const { stdout, stderr } = demultiplex(socket);
      stderr.resume();
      try {
        for await (const chunk of stdout as AsyncIterable<Buffer>) onOutput(chunk);
      } finally {
        socket.destroy();
      }
    },
    remove: () => client.call('DELETE', `/containers/${id}?force=1&v=1`, { accept: [404, 409], timeoutMs: REQUEST_TIMEOUT_MS }),
  };
}
