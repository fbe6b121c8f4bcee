import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP relay that can be cut. */
export interface Proxy {
  /** Where it listens, as an HTTP address. */
  url: string;
  /** Sends what comes from now on to this HTTP address. */
  to(url: string): void;
  /** Drops every connection, and each new one as it comes. */
  cut(): void;
  restore(): void;
  stop(): Promise<void>;
}

/** Starts a relay on a free port of loopback. It keeps no process from ending. */
export async function startProxy(): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let target: URL | undefined;
  let whole = true;
  const server = createServer((socket) => {
    if (!whole || target === undefined) return socket.destroy();
    const upstream = connect(Number(target.port), target.hostname);
    for (const end of [socket, upstream]) {
      sockets.add(end);
      end.on('error', () => undefined).on('close', () => { sockets.delete(end); socket.destroy(); upstream.destroy(); });
    }
    socket.pipe(upstream).pipe(socket);
    return undefined;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  const drop = () => { for (const socket of sockets) socket.destroy(); };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    to: (url) => { target = new URL(url); },
    cut: () => { whole = false; drop(); },
    restore: () => { whole = true; },
    async stop() {
      drop();
      server.close();
      await once(server, 'close');
    },
  };
}
