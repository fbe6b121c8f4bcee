import type { Socket } from 'node:net';
import type { NetworkUse } from '../../protocol/index.ts';

/** Counts what goes through a job's connections. */
export interface Meter {
  readonly exhausted: boolean;
  /** Counts a connected socket from now to its end. */
  watch(endpoint: string, socket: Socket): void;
  /** To be called as bytes pass: ends everything once the limit is reached. */
  check(): void;
  used(): NetworkUse['used'];
  close(): void;
}

/** @param onLimit called once, when the connections have carried `maxBytes` together */
export function createMeter(endpoints: readonly string[], maxBytes: number, onLimit: () => void): Meter {
  const totals = new Map(endpoints.map((endpoint) => [endpoint, { endpoint, connections: 0, sentBytes: 0, receivedBytes: 0 }]));
  const live = new Map<Socket, string>();
  let exhausted = false;
  const meter: Meter = {
    get exhausted() { return exhausted; },
    watch(endpoint, socket) {
      totals.get(endpoint)!.connections++;
      live.set(socket, endpoint);
      socket.once('close', () => {
        if (!live.delete(socket)) return;
        const total = totals.get(endpoint)!;
        total.sentBytes += socket.bytesWritten;
        total.receivedBytes += socket.bytesRead;
      });
    },
    check() {
      if (exhausted) return;
      const bytes = meter.used().reduce((sum, { sentBytes, receivedBytes }) => sum + sentBytes + receivedBytes, 0);
      if (bytes <= maxBytes) return;
      exhausted = true;
      meter.close();
      onLimit();
    },
    used() {
      const now = new Map([...totals].map(([endpoint, total]) => [endpoint, { ...total }]));
      for (const [socket, endpoint] of live) {
        const total = now.get(endpoint)!;
        total.sentBytes += socket.bytesWritten;
        total.receivedBytes += socket.bytesRead;
      }
      return [...now.values()].filter(({ connections }) => connections > 0);
    },
    close() { for (const socket of live.keys()) socket.destroy(); },
  };
  return meter;
}
