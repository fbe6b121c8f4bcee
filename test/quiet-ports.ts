import { once } from 'node:events';
import { createServer } from 'node:net';

/** Ports that no system gives out by itself (ip(7), ip_local_port_range, is 32,768 and up), nor programs of a machine that builds are likely to have. */
const FIRST_PORT = 10_000;
const PORTS = 20_000;
/** Ports between those that two processes begin at. */
const APART = 64;

let next = process.pid * APART;

/**
 * Free ports of loopback that nobody is given while nobody listens there: for whoever goes away and comes back to the same one.
 */
export async function quietPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tried = 0; ports.length < count; tried++) {
    if (tried === PORTS) throw new Error('no free port');
    const port = FIRST_PORT + next++ % PORTS;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
