import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type RunningClient } from '../src/client/index.ts';
import { startDevnet, type Devnet, type DevnetOptions } from '../src/devnet/index.ts';

/** Runs something against a fresh local network of three nodes, and removes every trace of it. */
export async function withNetwork<T>(use: (running: RunningClient, devnet: Devnet) => Promise<T>, onLog?: DevnetOptions['onLog']): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-bench-'));
  const devnet = await startDevnet({ dir: join(dir, 'network'), nodes: 3, configure: (config) => ({ ...config, noopEngine: true }), ...(onLog && { onLog }) });
  try {
    const running = await createClient(devnet.profile, { key: devnet.profile.key!, dir: join(dir, 'client') });
    try {
      return await use(running, devnet);
    } finally {
      await running.stop();
    }
  } finally {
    await devnet.stop();
    await rm(dir, { recursive: true, force: true });
  }
}
