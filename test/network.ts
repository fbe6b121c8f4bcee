import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import { bytesToHex, toHex, type Address, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { callApi } from '../src/api/index.ts';
import { approve, coinBalance, createChain, readJob, readParty, transferCoin, type Chain, type Party, type Role } from '../src/chain/index.ts';
import { createClient, type Client, type JobRecord, type Profile, type RunningClient } from '../src/client/index.ts';
import { DEVNET_NODES } from '../src/devnet/constants.ts';
import { startDevnet, type Devnet, type DevnetOptions } from '../src/devnet/index.ts';
import { startNodeChild, type NodeLine } from '../src/devnet/node-child.ts';
import { SLOWNESS } from '../src/executor/constants.ts';
import { takeUsualUmask } from '../src/executor/index.ts';
import { messageOf, scoreBps, type JobState } from '../src/protocol/index.ts';
import { listenTo, noteLine, storyOf } from './job-story.ts';
import { lastingLeftovers, MARK } from './leftovers.ts';
import { quietPorts } from './quiet-ports.ts';
import { until } from './until.ts';

// Files that jobs read where they lie are for everybody to read, whoever started the tests.
takeUsualUmask();

export const COIN = 10n ** 18n;
/** Before a network gets a folder of its own. */
const TEMPORARY = tmpdir();
/** Lines of its nodes' log shown when a test fails. */
const LAST_LINES = 60;
/** What a client of a test can spend, whole coins. */
const CLIENT_COINS = 1000n;

/** A client with an account of its own, so that its score and purse are its own as well. */
export interface TestClient extends RunningClient { key: Hex; address: Address; dir: string }

/** A devnet under test. */
export interface TestNetwork extends Devnet {
  /** Everything of this test file: `network/` is the devnet's, `tmp/` the TMPDIR of its processes. */
  dir: string;
  /** What the nodes said, in order of arrival. */
  log: { index: number; line: NodeLine }[];
  /** A client with a fresh account; with `as`, the client of that folder and account started again. `changes` go to its profile. */
  client(as?: { key: Hex; dir: string }, changes?: Partial<Profile>): Promise<TestClient>;
  /** Acts on chain with a key; with none, with the deployer's. */
  chain(key?: Hex): Chain;
  /** A fresh account with coin and gas, and the scheduler allowed to take the coin. */
  account(): Promise<{ key: Hex; address: Address }>;
  /** Puts the chain's clock forward. */
  travel(seconds: number): Promise<void>;
  party(address: Address, role: Role): Promise<Party & { score: number }>;
  /** Adds a file to some nodes (all when none is named). @returns its CID */
  addData(path: string, nodes?: number[]): Promise<string>;
  /** Index of the node with this account. */
  indexOf(address: Address): number;
  /** Ends a node's process at once, as a power cut would. */
  kill(index: number): Promise<void>;
  /** Starts a node that was ended again: same folder, key and port. */
  restart(index: number): Promise<void>;
  /** Has all nodes run, and be honest: what a test that failed half-way leaves must not fail those after it. */
  mend(): Promise<void>;
  /** Has something that a suite started stopped with the network, whatever else fails. */
  stopWith(stop: () => Promise<unknown>): void;
}

/** Networks of this process, by what they were asked to be. */
const networks = new Map<string, { users: number; started?: ReturnType<typeof startNetwork> }>();

/** What a suite asks of its network. `shared`: with other suites of the process that ask in the same words, whose nodes it leaves as they were. */
export type NetworkOptions = Omit<DevnetOptions, 'dir'> & { shared?: true };

/**
 * Starts one network for all tests of a suite (GADUS_TEST_VERBOSE=1 shows what its nodes say); after them it is stopped and must have left nothing behind
 * and lost no coin.
 */
export function useNetwork({ shared: shares, ...options }: NetworkOptions = {}): () => TestNetwork {
  const words = shares ? `${JSON.stringify(options)} ${String(options.configure)} ${String(options.onLog)}` : randomBytes(16).toString('hex');
  const shared = networks.get(words) ?? { users: 0 };
  networks.set(words, shared);
  shared.users++;
  let network: TestNetwork | undefined;
  before(async () => { ({ network } = await (shared.started ??= startNetwork(options))); });
  afterEach(async (t) => {
    if (network === undefined || ('passed' in t && t.passed)) return;
    console.log(lastWords(network));
    await network.mend();
  });
  after(async () => {
    if (--shared.users > 0 || shared.started === undefined) return;
    networks.delete(words);
    await (await shared.started.catch(() => undefined))?.close();
  });
  return () => network!;
}

/** What the nodes said last, for whoever looks at a test that failed on another machine. */
function lastWords({ log }: TestNetwork): string {
  return log.slice(-LAST_LINES).map(({ index, line }) => `node ${index} ${line.level} ${line.event} ${JSON.stringify(line.data)?.slice(0, 300)}`).join('\n');
}

async function startNetwork({ onLog, ...options }: Omit<DevnetOptions, 'dir'>): Promise<{ network: TestNetwork; close(): Promise<void> }> {
  const { dir, mark, leave } = markedFolder();
  const log: TestNetwork['log'] = [];
  const listen = (index: number, line: NodeLine) => {
    log.push({ index, line });
    noteLine(index, line);
    onLog?.(index, line);
    if (process.env.GADUS_TEST_VERBOSE !== undefined) console.log(new Date().toISOString(), index, line.level, line.event, JSON.stringify(line.data));
  };
  // Whether KVM works is found out by booting a kernel, at every start of every node: no test of the network runs in a microVM.
  const { configure = (config) => config, nodes: count = DEVNET_NODES } = options;
  const ports = await quietPorts(count);
  const devnet = await startDevnet({
    dir: join(dir, 'network'), ...options, onLog: listen,
    configure: (config, index) => configure({ ...config, engines: ['container', 'wasm'], network: { ...config.network, listen: [`/ip4/127.0.0.1/tcp/${ports[index]}`] } }, index),
  }).catch(async (error: unknown) => {
    leave();
    await rm(dir, { recursive: true, force: true });
    throw error;
  });
  const { anvil, nodes, configs, profile } = devnet;
  const clients: TestClient[] = [];
  const stops: (() => Promise<unknown>)[] = [];
  const accounts = new Set<Address>(anvil.accounts.map(({ address }) => address));
  const chain = (privateKey: Hex = anvil.accounts[0]!.privateKey) => createChain({
    rpcUrl: anvil.rpcUrl, scheduler: profile.scheduler, privateKey, pollingIntervalMs: profile.pollMs,
  });
  const bank = chain();
  const rpc = (method: string, ...params: unknown[]): Promise<unknown> => bank.client.request({ method, params } as never);
  const party = async (address: Address, role: Role) => {
    const known = await readParty(bank, address, role);
    return { ...known, score: scoreBps(known) };
  };

  const network: TestNetwork = {
    ...devnet, dir, log, chain, party,
    async account() {
      const key = bytesToHex(randomBytes(32));
      const { address } = privateKeyToAccount(key);
      accounts.add(address);
      await rpc('anvil_setBalance', address, toHex(COIN));
      await transferCoin(bank, { to: address, amount: CLIENT_COINS * COIN });
      await approve(chain(key));
      return { key, address };
    },
    async client(as, changes = {}) {
      const { key } = as ?? await network.account();
      const own = as?.dir ?? join(dir, `client-${clients.length}`);
      const running = await createClient({ ...profile, ...changes }, { key, dir: own });
      listenTo(running);
      const client = { ...running, key, dir: own, address: running.chain.signer().address };
      clients.push(client);
      return client;
    },
    async travel(seconds) {
      await rpc('evm_increaseTime', seconds);
      await rpc('evm_mine');
    },
    async addData(path, indices = nodes.map((_, i) => i)) {
      const added = await Promise.all(indices.map((i) => callApi(nodes[i]!.api, 'POST', '/v1/data', { path }))) as { cid: string }[];
      return added[0]!.cid;
    },
    indexOf: (address) => nodes.findIndex((node) => node.address.toLowerCase() === address.toLowerCase()),
    async kill(index) {
      const { process: child } = nodes[index]!;
      child.kill('SIGKILL');
      await until(`node ${index} is dead`, () => child.exitCode !== null || child.signalCode !== null);
    },
    async restart(index) {
      const { addrs } = nodes[index]!;
      const others = nodes.filter((_, i) => i !== index);
      nodes[index] = await startNodeChild({
        ...configs[index]!,
        network: { ...configs[index]!.network, listen: addrs.slice(0, 1).map((addr) => addr.replace(/\/p2p\/.*/, '')), bootstrap: others.flatMap((node) => node.addrs.slice(0, 1)) },
      }, (line) => listen(index, line));
      // Its API has another port now.
      profile.apis?.splice(index, 1, nodes[index].api);
    },
    async mend() {
      for (const [index, { process: child }] of nodes.entries()) if (child.exitCode !== null || child.signalCode !== null) await network.restart(index);
      for (const node of nodes) node.send({ type: 'honest' });
    },
    stopWith: (stop) => { stops.push(stop); },
  };
  return {
    network,
    // Whatever of it fails, the rest is done: what keeps running keeps the process from ending, and the failure from being told.
    async close() {
      const failures: unknown[] = [];
      const steps = [
        () => assertConserved(network, accounts), ...clients.map((client) => () => client.stop()), ...stops, () => devnet.stop(), () => assertNothingLeft(dir, mark).finally(leave),
      ];
      for (const step of steps) await step().catch((error: unknown) => { failures.push(error); });
      if (failures.length > 1) throw new AggregateError(failures, failures.map(messageOf).join('; '));
      if (failures.length > 0) throw failures[0];
    },
  };
}

/**
 * A folder for a test's network, and an environment in which its processes can be told and keep their temporary files there. `leave` goes back to the
 * environment before it: what another network of this process has begun in must be there when this one's folder is gone.
 */
export function markedFolder(): { dir: string; mark: string; leave(): void } {
  const dir = mkdtempSync(join(TEMPORARY, 'gadus-test-'));
  const mark = dir;
  mkdirSync(join(dir, 'tmp'));
  // What the runtime keeps of compiled sources is not the network's.
  process.env.NODE_COMPILE_CACHE ??= join(TEMPORARY, 'node-compile-cache');
  const before = { [MARK]: process.env[MARK], TMPDIR: process.env.TMPDIR };
  Object.assign(process.env, { [MARK]: mark, TMPDIR: join(dir, 'tmp') });
  const leave = () => {
    if (process.env[MARK] !== mark) return;
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  return { dir, mark, leave };
}

/** Nothing of the network is on the machine but its folder, which can be removed. */
export async function assertNothingLeft(dir: string, mark: string): Promise<void> {
  const left = await lastingLeftovers(dir, mark);
  await rm(dir, { recursive: true, force: true });
  assert.deepEqual(left, { processes: [], mounts: [], loopDevices: [], cgroups: [], files: [] });
}

/** All coin the scheduler holds is somebody's, and none is locked, for all jobs are over. */
async function assertConserved(network: TestNetwork, accounts: ReadonlySet<Address>): Promise<void> {
  const chain = network.chain();
  const parties = (await Promise.all([...accounts].flatMap((account) => [readParty(chain, account, 'node'), readParty(chain, account, 'client')])));
  const sum = parties.reduce((total, { free, locked }) => total + free + locked, 0n);
  assert.equal(sum, await coinBalance(chain, network.profile.scheduler), 'coin in the scheduler belongs to somebody');
  assert.equal(parties.reduce((total, { locked }) => total + locked, 0n), 0n, 'no coin is locked when all jobs are over');
}

/** Longest life of a job in a test, ms: several times what it takes on a machine under full load. */
const JOB_TIMEOUT_MS = 180_000 * SLOWNESS;

/** Waits for a job's end, which must be Settled. */
export async function settledJob(client: Client, record: JobRecord): Promise<Extract<JobState, { state: 'Settled' }>> {
  const state = await finalJob(client, record);
  assert.ok(state.state === 'Settled', `the job is ${state.state}`);
  return state;
}

/** Waits for a job's end, whatever it is. */
export function finalJob(client: Client, record: JobRecord): Promise<JobState> {
  return inTime(client, record, (signal) => client.wait(record, { signal }));
}

/** Waits until a job is in a state, or over. */
export async function reach<S extends JobState['state']>(client: Client, record: JobRecord, wanted: S): Promise<Extract<JobState, { state: S }>> {
  await inTime(client, record, (signal) => client.waitFor(record, (state) => state?.state === wanted, { signal }));
  const state = client.stateOf(record);
  assert.ok(state?.state === wanted, `the job is ${state?.state}, not ${wanted}`);
  return state as Extract<JobState, { state: S }>;
}

async function inTime<T>(client: Client, record: JobRecord, wait: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(JOB_TIMEOUT_MS);
  try {
    return await wait(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Error(`the job is ${client.stateOf(record)?.state ?? 'not on chain'} after ${JOB_TIMEOUT_MS} ms\n${storyOf(record)}`, { cause: error });
  }
}

/** The job's state as the chain has it. */
export async function stateOnChain(network: TestNetwork, jobId: Hex): Promise<string> {
  return (await readJob(network.chain(), jobId)).state;
}
