import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hex } from 'viem';
import { callApi } from '../api/index.ts';
import { approve, createChain, deployContracts, fund, startAnvil, transferCoin, type Anvil } from '../chain/index.ts';
import type { Profile } from '../client/index.ts';
import { buildBusyboxImage } from '../executor/index.ts';
import type { NodeConfigInput } from '../node/index.ts';
import { createStorage } from '../storage/index.ts';
import {
  DEVNET_BID_WAIT_MS, DEVNET_NODES, DEVNET_POLL_MS, DEVNET_PURSE_COINS, DEVNET_STAKE_COINS, DEVNET_WINDOWS,
  MAX_WINDOW_SECONDS, MIN_WINDOW_SECONDS, SEED_DELAY_BLOCKS,
} from './constants.ts';
import { startNodeChild, type NodeChild, type NodeLine } from './node-child.ts';

const COIN = 10n ** 18n;

export interface DevnetOptions {
  /** Folder of the whole network's state; made anew. */
  dir: string;
  nodes?: number;
  /** Changes a node's configuration before it starts. */
  configure?: (config: NodeConfigInput, index: number) => NodeConfigInput;
  onLog?: (index: number, line: NodeLine) => void;
  onStep?: (step: string) => void;
  /** Ends the start half-way. */
  signal?: AbortSignal;
}

/** A running local network: a chain, the contracts, nodes, and an account for a client. */
export interface Devnet {
  anvil: Anvil;
  nodes: NodeChild[];
  /** How a client reaches the network, its key included. */
  profile: Profile;
  /** Configurations the nodes were started with, for starting one again. */
  configs: NodeConfigInput[];
  stop(): Promise<void>;
}

/**
 * Starts a whole network on loopback: anvil with the contracts deployed, and nodes, each a process of its own with its own key, stake,
 * store and libp2p host. The default image is made once and given to every node.
 *
 * @throws ChainError when anvil does not start; DevnetError NODE_FAILED; whatever was started is stopped
 */
export async function startDevnet({ dir, nodes: count = DEVNET_NODES, configure = (config) => config, onLog = () => {}, onStep = () => {}, signal }: DevnetOptions): Promise<Devnet> {
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const nodes: NodeChild[] = [];
  let anvil: Anvil | undefined;
  const stop = async () => {
    await Promise.all(nodes.map((node) => node?.stop()));
    await anvil?.stop();
  };
  try {
    onStep('starting the chain');
    // Account 0 deploys, account 1 is the client, the rest are nodes.
    anvil = await startAnvil({ accounts: count + 2 });
    const [deployer, client, ...operators] = anvil.accounts;
    onStep('deploying the contracts');
    const deployment = await deployContracts(anvil.rpcUrl, deployer!.privateKey, {
      seedDelay: SEED_DELAY_BLOCKS, minWindowSeconds: MIN_WINDOW_SECONDS, maxWindowSeconds: MAX_WINDOW_SECONDS, pollingIntervalMs: DEVNET_POLL_MS,
    });
    const { rpcUrl } = anvil;
    const actingAs = ({ privateKey }: { privateKey: Hex }) => createChain({ rpcUrl, scheduler: deployment.scheduler, privateKey, pollingIntervalMs: DEVNET_POLL_MS });
    const bank = actingAs(deployer!);
    for (const { address } of [client!, ...operators]) await transferCoin(bank, { to: address, amount: DEVNET_PURSE_COINS * COIN });

    const purse = actingAs(client!);
    await approve(purse, { amount: (DEVNET_PURSE_COINS / 2n) * COIN });
    await fund(purse, { amount: (DEVNET_PURSE_COINS / 2n) * COIN });

    onStep('making the default image');
    const image = await defaultImage(dir);

    const configs: NodeConfigInput[] = [];
    const launch = async (index: number, bootstrap: string[]) => {
      const config = configure({
        dir: join(dir, `node-${index}`),
        chain: { rpcUrl, scheduler: deployment.scheduler, deploymentBlock: Number(deployment.deploymentBlock), pollMs: DEVNET_POLL_MS, batch: true },
        key: operators[index]!.privateKey,
        network: { listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap, lan: true },
        price: String((COIN * BigInt(10 + index)) / 20n),
        stake: String(DEVNET_STAKE_COINS * COIN),
        apiPort: 0,
      }, index);
      configs[index] = config;
      nodes[index] = await startNodeChild(config, (line) => onLog(index, line));
    };
    // The first one is who the others meet.
    onStep(`starting ${count} nodes`);
    await launch(0, []);
    signal?.throwIfAborted();
    // All settle before one may fail, so that every started process is known and stopped.
    const launched = await Promise.allSettled(operators.slice(1).map((_, i) => launch(i + 1, nodes[0]!.addrs.slice(0, 1))));
    for (const outcome of launched) if (outcome.status === 'rejected') throw outcome.reason;
    signal?.throwIfAborted();
    await Promise.all(nodes.map(({ api }) => callApi(api, 'POST', '/v1/data', { path: image.path })));
    return {
      anvil, nodes, configs, stop,
      profile: {
        rpcUrl, scheduler: deployment.scheduler, coin: deployment.coin, deploymentBlock: Number(deployment.deploymentBlock),
        bootstrap: nodes.flatMap(({ addrs }) => addrs.slice(0, 1)), lan: true, images: { busybox: image.cid }, key: client!.privateKey,
        apis: nodes.map(({ api: { url, token } }) => ({ url, token })), pollMs: DEVNET_POLL_MS, batch: true, sortition: false, bidWaitMs: DEVNET_BID_WAIT_MS, windows: DEVNET_WINDOWS,
      },
    };
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
}

/** The busybox image as a tar, and its CID. */
async function defaultImage(dir: string): Promise<{ path: string; cid: string }> {
  const path = join(dir, 'busybox.tar');
  await buildBusyboxImage({ out: path });
  const storage = await createStorage({}, { dir: join(dir, 'image-store') });
  await storage.start();
  try {
    const { cid } = await storage.add(path);
    return { path, cid: cid.toString() };
  } finally {
    await storage.stop();
  }
}
