import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { approve, createChain, readParty, register, Watcher, type Chain } from '../chain/index.ts';
import { stringToHex } from 'viem';
import { createEngines, createImageStore, createNoopEngine, takeUsualUmask, type Engine } from '../executor/index.ts';
import { announceJobs, createHost, loadOrCreateKey, statusProtocol, serve, type Host } from '../network/index.ts';
import { messageOf, parseCid, type Startable } from '../protocol/index.ts';
import { createStorage, openJournal, type Storage } from '../storage/index.ts';
import { Diary } from './diary.ts';
import type { Log } from './log.ts';
import type { NodeStatus } from './node-status.ts';
import { keyOf, type NodeConfig } from './config.ts';
import { COLLECT_INTERVAL_MS } from './constants.ts';
import { Node } from './node.ts';
import { ownArch } from './bidding/hardware.ts';
import { Possessions, type PossessionRecord } from './bidding/possessions.ts';
import type { ReplicaRecord } from './replica-record.ts';

export interface CreateNodeOptions {
  log?: Log;
  /** Changes the engines before they are used; the demonstration's dishonest nodes are made so. */
  engines?: (engines: Engine[], node: () => Node) => Engine[];
}

/** A node with all its parts, running. */
export interface RunningNode extends Pick<Startable, 'stop'> {
  node: Node;
  chain: Chain;
  host: Host;
  storage: Storage;
  possessions: Possessions;
  diary: Diary;
  status(): NodeStatus;
}

/**
 * Builds a node from its configuration and starts it: chain, engines, host, storage, stake, then the node itself.
 * Whatever was started is stopped again when a later part fails.
 *
 * @throws NodeError CONFIG_INVALID; ChainError when the chain cannot be reached or the account cannot stake
 */
export async function createNode(config: NodeConfig, { log: listener = () => {}, engines: change = (engines) => engines }: CreateNodeOptions = {}): Promise<RunningNode> {
  takeUsualUmask();
  const diary = new Diary();
  const log = diary.alsoTo(listener);
  const privateKey = await keyOf(config);
  await mkdir(config.dir, { recursive: true, mode: 0o700 });
  const stops: (() => Promise<unknown>)[] = [];
  /** One part that cannot be stopped must not keep the others running. */
  const stop = async () => {
    const failures: unknown[] = [];
    for (const one of stops.splice(0).reverse()) await one().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  };
  try {
    const { rpcUrl, scheduler, deploymentBlock, pollMs, batch } = config.chain;
    const chain = createChain({ rpcUrl, scheduler, privateKey, batch, pollingIntervalMs: pollMs });
    const { address } = chain.signer();
    const court = await chain.court();

    const { runtime, kernel, jobNetwork } = config;
    const network = jobNetwork.allow.length === 0 ? undefined : jobNetwork;
    const wanted = createEngines(config.engines, { dir: config.dir, ...(runtime === undefined ? {} : { runtime }), ...(kernel === undefined ? {} : { kernel }), ...(network === undefined ? {} : { network }) });
    const probed = (docker: boolean) => Promise.all(wanted.filter((_, i) => (config.engines[i] === 'docker') === docker).map(async (engine) => ({ engine, probe: await engine.probe() })));
    const own = await probed(false);
    // Docker's place is where containers do not work without it.
    const probes = own.some(({ probe }) => probe.ok && probe.name === 'container') ? own : [...own, ...await probed(true)];
    for (const { engine, probe } of probes) for (const { what, remedy } of probe.problems) log('warn', 'engine problem', { engine: engine.name, what, remedy });
    const available = [...probes.filter(({ probe }) => probe.ok).map(({ engine }) => engine), ...(config.noopEngine ? [createNoopEngine()] : [])];
    const engines = change(available, () => node);

    const host = await createHost({ privateKey: await loadOrCreateKey(join(config.dir, 'identity')), ...config.network, agent: 'gadus' });
    stops.push(async () => host.stop());
    const { kuboUrl, maxFetchBytes, cars, pieces, sectors, cacheSize, reserve, sources, gateways, routers, filecoin, denied, directPort } = config.storage;
    const storage = await createStorage({ libp2p: host }, {
      dir: join(config.dir, 'storage'), folders: { cars, pieces, sectors },
      limits: { maxFetchBytes, maxCacheBytes: cacheSize, reserveBytes: reserve }, ...(kuboUrl === undefined ? {} : { kuboUrl }),
      remote: { order: sources, gateways, routers, filecoin, privateHosts: config.network.lan }, denied: denied.map(parseCid), directPort: directPort ?? false, ...(config.gateway && { gateway: config.gateway }),
      onProblem: (path, problem) => log('warn', 'file not usable', { path, problem }),
    });
    await storage.start();
    stops.push(() => storage.stop());

    await ensureStake(chain, config.stake, host, log);
    const possessions = new Possessions(storage, await openJournal<PossessionRecord>(join(config.dir, 'possessions')), log);
    const offer = { cpus: config.offer.cpus, memoryBytes: config.offer.memory, diskBytes: config.offer.disk };
    const node: Node = new Node({
      chain, court, host, storage, engines, log,
      images: await createImageStore({ dir: join(config.dir, 'images'), maxStoreBytes: config.storage.imageCacheSize }),
      gossip: announceJobs(host),
      possessions,
      journal: await openJournal<ReplicaRecord>(join(config.dir, 'jobs'), (path) => log('error', 'damaged record', { path })),
    }, {
      address, dir: config.dir, contests: config.contests, postBids: config.postBids, summons: config.panels, liveLogs: config.liveLogs, keepResultsMs: config.storage.keepResults,
      policy: { price: config.price, minClientScoreBps: config.minClientScoreBps, maxTimeoutMs: config.maxTimeout, localDataOnly: config.localDataOnly, minBidBlocks: config.minBidBlocks, ...(network === undefined ? {} : { network }) },
      hardware: { arch: ownArch(), ...(config.class === undefined ? {} : { class: config.class }) },
      offer,
    });
    await node.start();
    stops.push(() => node.stop());
    stops.push(collectRegularly(storage, node, log));
    const status = (): NodeStatus => ({
      address, engines: engines.map(({ name }) => name), network: network === undefined ? [] : engines.filter((engine) => engine.network === true).map(({ name }) => name),
      price: config.price, ...offer, ...node.load,
    });
    stops.push(await serve(host, statusProtocol, async ({ cids }) => ({
      ...status(), agent: 'gadus',
      held: await Promise.all(cids.map(async (cid) => {
        const { heldBytes, totalBytes } = await storage.locality(parseCid(cid));
        return { cid, heldBytes, totalBytes };
      })),
    })));
    const watcher = new Watcher({ chain }, {
      cursorFile: join(config.dir, 'chain-cursor.json'), fromBlock: BigInt(deploymentBlock), pollingIntervalMs: pollMs,
      onEvent: (event) => node.onChainEvent(event),
      onReorg: async ({ removed }) => { for (const event of removed) await node.onChainEvent(event, true); },
      onHead: (head) => node.onHead(head),
      onStatus: (status) => { if ('error' in status) log('warn', 'chain', { status: status.status, reason: messageOf(status.error) }); },
    });
    await watcher.start();
    stops.push(() => watcher.stop());
    return { node, chain, host, storage, possessions, diary, status, stop };
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
}

/** Removes what is not needed any more from time to time. @returns a function that ends it */
function collectRegularly(storage: Storage, node: Node, log: Log): () => Promise<void> {
  const timer = setInterval(() => {
    node.forgetOld().then(
      (jobs) => { if (jobs > 0) log('info', 'evidence dropped', { jobs }); },
      (error: unknown) => log('warn', 'evidence not dropped', { reason: messageOf(error) }),
    );
    storage.collect().then(
      (collected) => { if (collected.blocks > 0) log('info', 'storage collected', { ...collected }); },
      (error: unknown) => log('warn', 'storage not collected', { reason: messageOf(error) }),
    );
  }, COLLECT_INTERVAL_MS);
  return async () => clearInterval(timer);
}

/** Tops the account's stake up to what the configuration says, and tells the chain where the node lives. */
async function ensureStake(chain: Chain, stake: bigint, host: Host, log: Log): Promise<void> {
  const party = await readParty(chain, chain.signer().address, 'node');
  const held = party.free + party.locked;
  if (party.since > 0 && held >= stake) return;
  const amount = held >= stake ? 0n : stake - held;
  if (amount > 0n) await approve(chain, { amount });
  await register(chain, { amount, profile: stringToHex(host.peerId.toString()) });
  log('info', 'registered', { added: amount.toString() });
}
