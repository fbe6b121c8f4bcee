import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createChain, Watcher, type Chain } from '../chain/index.ts';
import { announceJobs, createHost, loadOrCreateKey, type Host } from '../network/index.ts';
import type { Hex } from 'viem';
import { createStorage, openJournal, type Storage } from '../storage/index.ts';
import { claimPlace } from './claim-place.ts';
import { Client } from './client.ts';
import { JobClaims } from './book/job-claims.ts';
import { openJobs } from './book/job-book.ts';
import { Precedents, type PrecedentRecord } from './findings/precedents.ts';
import type { Profile } from './profile.ts';

/** A client with all its parts, running. */
export interface RunningClient { client: Client; chain: Chain; host: Host; storage: Storage; stop(): Promise<void> }

/**
 * Builds a client from a network profile and starts it.
 *
 * @param dir folder of the client's journal, identity and blocks; several processes may use it at once
 * @example
 * const { client, stop } = await createClient(await readProfile(), { key, dir: '/home/me/.gadus/client' })
 * const job = await client.submit({ command: ['echo', 'hello'] })
 * await client.wait(job)
 */
export async function createClient(profile: Profile, { key, dir }: { key: Hex; dir: string }): Promise<RunningClient> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const stops: (() => Promise<unknown>)[] = [];
  /** One part that cannot be stopped must not keep the others running. */
  const stop = async () => {
    const failures: unknown[] = [];
    for (const one of stops.splice(0).reverse()) await one().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  };
  try {
    const place = await claimPlace(dir);
    stops.push(() => place.release());
    const chain = createChain({ rpcUrl: profile.rpcUrl, scheduler: profile.scheduler, privateKey: key, batch: profile.batch, pollingIntervalMs: profile.pollMs });
    const host = await createHost({
      privateKey: await loadOrCreateKey(join(place.dir, 'identity')), listen: [profile.lan ? '/ip4/127.0.0.1/tcp/0' : '/ip4/0.0.0.0/tcp/0'],
      bootstrap: profile.bootstrap, lan: profile.lan, agent: 'gadus-client',
    });
    stops.push(async () => host.stop());
    const storage = await createStorage({ libp2p: host }, { dir: join(place.dir, 'storage') });
    await storage.start();
    stops.push(() => storage.stop());
    const client = new Client({
      chain, court: await chain.court(), host, storage, gossip: announceJobs(host), journal: await openJobs(dir), claims: new JobClaims(dir),
      precedents: new Precedents(await openJournal<PrecedentRecord>(join(dir, 'precedents'))),
    }, {
      address: chain.signer().address, images: profile.images, deploymentBlock: BigInt(profile.deploymentBlock),
      ...(profile.bidWaitMs === undefined ? {} : { bidWaitMs: profile.bidWaitMs }),
      ...(profile.bidBlocks === undefined ? {} : { bidBlocks: profile.bidBlocks }),
      sortition: profile.sortition,
      ...(profile.windows === undefined ? {} : { windows: profile.windows }),
    });
    await client.start();
    stops.push(() => client.stop());
    // No cursor on disk: a job's history is read from the chain when it is resumed.
    const watcher = new Watcher({ chain }, {
      fromBlock: 'latest', pollingIntervalMs: profile.pollMs,
      onEvent: (event) => client.onChainEvent(event),
      onReorg: async ({ removed }) => { for (const event of removed) await client.onChainEvent(event, true); },
      onHead: (head) => client.onHead(head),
    });
    await watcher.start();
    stops.push(() => watcher.stop());
    return { client, chain, host, storage, stop };
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
}
