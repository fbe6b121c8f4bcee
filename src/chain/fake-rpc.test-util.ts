import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export type Answer = unknown;
/** Thrown by a handler: becomes a JSON-RPC error. */
export class RpcFault extends Error {
  readonly code: number;
  readonly data?: unknown;
  constructor(message: string, code = -32000, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** A JSON-RPC server whose every answer the test decides. */
export async function startFakeRpc(handle: (method: string, params: any[]) => Answer): Promise<{ url: string; calls: { method: string; params: any[] }[]; stop(): Promise<void> }> {
  const calls: { method: string; params: any[] }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => { body += chunk; }).on('end', () => {
      const { id, method, params = [] } = JSON.parse(body) as { id: number; method: string; params?: any[] };
      calls.push({ method, params });
      let reply: object;
      try {
        reply = { jsonrpc: '2.0', id, result: handle(method, params) };
      } catch (error) {
        const { message, code = -32603, data } = error as RpcFault;
        reply = { jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } };
      }
      response.setHeader('content-type', 'application/json').end(JSON.stringify(reply));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
