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

/** Thrown by a handler: becomes an answer without JSON-RPC in it, such as a gateway's or a rate limiter's. */
export class HttpFault extends Error {
  readonly status: number;
  readonly headers: Record<string, string>;
  constructor(status: number, headers: Record<string, string> = {}) {
    super(`HTTP ${status}`);
    this.status = status;
    this.headers = headers;
  }
}

/** A JSON-RPC server whose every answer the test decides; an answer may be a promise. */
export async function startFakeRpc(handle: (method: string, params: any[]) => Answer): Promise<{ url: string; calls: { method: string; params: any[] }[]; stop(): Promise<void> }> {
  const calls: { method: string; params: any[] }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => { body += chunk; }).on('end', async () => {
      const { id, method, params = [] } = JSON.parse(body) as { id: number; method: string; params?: any[] };
      calls.push({ method, params });
      let reply: object;
      try {
        reply = { jsonrpc: '2.0', id, result: await handle(method, params) };
      } catch (error) {
        if (error instanceof HttpFault) {
          response.writeHead(error.status, error.headers).end(error.message);
          return;
        }
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
