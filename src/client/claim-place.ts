import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { MAX_CLIENT_PROCESSES } from './constants.ts';
import { ClientError } from './errors.ts';

/** Where one client process keeps what it cannot share. */
export interface Place { dir: string; release(): Promise<void> }

/**
 * Claims a folder for this process's store and peer identity: several clients of one home may run at once, and share only the journal.
 * The first gets the home itself, the others a folder in it. The claim is a socket in Linux's abstract namespace, which the kernel gives
 * up with the process, however that ends.
 *
 * @throws ClientError TOO_MANY_CLIENTS
 */
export async function claimPlace(home: string): Promise<Place> {
  const name = createHash('sha256').update(resolve(home)).digest('hex').slice(0, 32);
  for (let place = 0; place < MAX_CLIENT_PROCESSES; place++) {
    const server = createServer((socket) => socket.destroy()).unref();
    server.listen(`\0gadus-client-${name}-${place}`);
    try {
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw error;
    }
    const dir = place === 0 ? home : join(home, `process-${place}`);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    return { dir, release: async () => { await new Promise((done) => { server.close(done); }); } };
  }
  throw new ClientError('TOO_MANY_CLIENTS', 'too many clients run at once', {
    details: `${MAX_CLIENT_PROCESSES} in ${home}`, hint: 'gadus run --detach does not stay; another GADUS_HOME is another client',
  });
}
