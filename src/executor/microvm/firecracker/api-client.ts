import { request } from 'node:http';
import { anySignal } from '../../../protocol/base/any-signal.ts';
import { ExecutorError } from '../../errors.ts';
import type { Action, Balloon, BootSource, Drive, InstanceInfo, Logger, MachineConfig, Metrics, SnapshotCreate, SnapshotLoad, Vsock } from './api-types.ts';
import { API_TIMEOUT_MS, MAX_ANSWER_BYTES } from './constants.ts';

export interface CallOptions { signal?: AbortSignal; timeoutMs?: number }

/** Firecracker's API, one function for each call; all throw ExecutorError VMM_FAILED (it refuses, with its reason), VMM_SILENT, ABORTED. */
export interface FirecrackerApi {
  instance(options?: CallOptions): Promise<InstanceInfo>;
  machineConfig(body: MachineConfig, options?: CallOptions): Promise<void>;
  bootSource(body: BootSource, options?: CallOptions): Promise<void>;
  drive(body: Drive, options?: CallOptions): Promise<void>;
  vsock(body: Vsock, options?: CallOptions): Promise<void>;
  balloon(body: Balloon, options?: CallOptions): Promise<void>;
  /** Changes the size of the balloon of a running guest. */
  inflate(amountMib: number, options?: CallOptions): Promise<void>;
  logger(body: Logger, options?: CallOptions): Promise<void>;
  metrics(body: Metrics, options?: CallOptions): Promise<void>;
  action(type: Action, options?: CallOptions): Promise<void>;
  setState(state: 'Paused' | 'Resumed', options?: CallOptions): Promise<void>;
  /** Only of a paused guest. */
  createSnapshot(body: SnapshotCreate, options?: CallOptions): Promise<void>;
  /** Only before anything else was configured. */
  loadSnapshot(body: SnapshotLoad, options?: CallOptions): Promise<void>;
}

/**
 * Speaks to one monitor over its Unix socket.
 *
 * @example await firecrackerApi('/run/fc.sock').action('InstanceStart')
 */
export function firecrackerApi(socketPath: string): FirecrackerApi {
  const put = (path: string, body: object, options?: CallOptions) => call(socketPath, 'PUT', path, body, options).then(() => undefined);
  const patch = (path: string, body: object, options?: CallOptions) => call(socketPath, 'PATCH', path, body, options).then(() => undefined);
  return {
    instance: async (options) => checkedInstance(await call(socketPath, 'GET', '/', undefined, options)),
    machineConfig: (body, options) => put('/machine-config', body, options),
    bootSource: (body, options) => put('/boot-source', body, options),
    drive: (body, options) => put(`/drives/${encodeURIComponent(body.drive_id)}`, body, options),
    vsock: (body, options) => put('/vsock', body, options),
    balloon: (body, options) => put('/balloon', body, options),
    inflate: (amount_mib, options) => patch('/balloon', { amount_mib }, options),
    logger: (body, options) => put('/logger', body, options),
    metrics: (body, options) => put('/metrics', body, options),
    action: (action_type, options) => put('/actions', { action_type }, options),
    setState: (state, options) => patch('/vm', { state }, options),
    createSnapshot: (body, options) => put('/snapshot/create', body, options),
    loadSnapshot: (body, options) => put('/snapshot/load', body, options),
  };
}

/** One call: fetch knows no Unix sockets. Resolves with the answer's body. */
function call(socketPath: string, method: string, path: string, body: object | undefined, { signal, timeoutMs = API_TIMEOUT_MS }: CallOptions = {}): Promise<string> {
  const what = `${method} ${path}`;
  const timeout = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => {
      if (signal?.aborted) reject(new ExecutorError('ABORTED', 'the run was aborted', { cause: signal.reason }));
      else if (timeout.aborted) reject(new ExecutorError('VMM_SILENT', 'the monitor does not answer', { details: `${what}: nothing for ${timeoutMs} ms` }));
      else reject(cause instanceof ExecutorError ? cause : new ExecutorError('VMM_FAILED', 'the monitor cannot be reached', { details: what, cause }));
    };
    const text = body === undefined ? undefined : JSON.stringify(body);
    const outgoing = request({
      socketPath, method, path, agent: false, signal: anySignal(signal, timeout),
      headers: { Accept: 'application/json', ...(text === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }) },
    }, (answer) => {
      let received = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece: string) => {
        received += piece;
        if (received.length > MAX_ANSWER_BYTES) answer.destroy(new ExecutorError('VMM_FAILED', 'the monitor answers too much', { details: what }));
      });
      answer.on('error', fail);
      answer.on('end', () => {
        const { statusCode = 0 } = answer;
        if (statusCode >= 200 && statusCode < 300) resolve(received);
        else fail(new ExecutorError('VMM_FAILED', 'the monitor refuses', { details: `${what}: ${statusCode} ${faultOf(received)}` }));
      });
    });
    outgoing.on('error', fail);
    outgoing.end(text);
  });
}

/** Firecracker's own words on what is wrong. */
function faultOf(answer: string): string {
  try {
    const { fault_message: fault } = JSON.parse(answer) as { fault_message?: unknown };
    if (typeof fault === 'string') return fault.slice(0, 1000);
  } catch {
    // Not JSON: shown as it is.
  }
  return answer.slice(0, 200);
}

function checkedInstance(answer: string): InstanceInfo {
  try {
    const info = JSON.parse(answer) as Partial<InstanceInfo>;
    if (typeof info.state === 'string' && typeof info.vmm_version === 'string') return info as InstanceInfo;
  } catch {
    // Falls through to the error.
  }
  throw new ExecutorError('VMM_FAILED', 'the monitor\'s answer is none', { details: answer.slice(0, 200) });
}
