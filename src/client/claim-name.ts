import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { resolve } from 'node:path';

/** Something that one process of this machine has at a time. */
export interface Claim { release(): Promise<void> }

/**
 * Claims a name for this process. The claim is a socket in Linux's abstract namespace, which the kernel gives up with the process, however that ends.
 *
 * @param home folder that all who know the name share
 * @returns undefined where somebody has it
 */
export async function claimName(home: string, name: string): Promise<Claim | undefined> {
  const server = createServer((socket) => socket.destroy()).unref();
  server.listen(`\0gadus-client-${createHash('sha256').update(resolve(home)).digest('hex').slice(0, 32)}-${name}`);
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
  return { release: async () => { await new Promise((done) => { server.close(done); }); } };
}
