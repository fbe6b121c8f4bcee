import { join } from 'node:path';
import type { Command } from 'commander';
import type { Chain } from '../chain/index.ts';
import { JobBook } from '../client/book/job-book.ts';
import { gadusHome, type Profile } from '../client/profile.ts';
import { clientKey, interruptSignal, loadProfile } from './session.ts';

/** What there is to do with jobs without joining the network of nodes. */
export interface Jobs {
  book: JobBook;
  profile: Profile;
  signal: AbortSignal;
  /** The chain, its code loaded when it is asked for; only who acts there needs a key. */
  chain(options?: { acting?: boolean }): Promise<Chain>;
}

/** Runs a command on the client's journal: nothing is started, and the chain is spoken to only if the command asks for it. */
export async function withJobs<T>(command: Command, use: (jobs: Jobs) => Promise<T>): Promise<T> {
  const signal = interruptSignal();
  const profile = await loadProfile(command);
  return use({
    book: await JobBook.open(join(gadusHome(), 'client')), profile, signal,
    async chain({ acting = false } = {}) {
      const { createChain } = await import('../chain/index.ts');
      const { rpcUrl, scheduler, batch, pollMs } = profile;
      return createChain({ rpcUrl, scheduler, batch, pollingIntervalMs: pollMs, ...(acting && { privateKey: await clientKey(profile) }) });
    },
  });
}
