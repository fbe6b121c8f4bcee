import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { decodeFunctionResult, encodeDeployData, encodeFunctionData, getAddress, maxUint256, numberToHex, type Abi, type Address, type Hex } from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { coinAbi, decodeEvent, schedulerAbi, type ChainEvent, type Signer } from '../../../src/chain/index.ts';
import { anvilBinary } from '../../../src/chain/anvil/anvil-binary.ts';
import { freePlace } from '../../../src/chain/anvil/free-place.ts';
import { blockHashRandomnessBytecode, checksBytecode, coinBytecode, disputesBytecode, schedulerBytecode } from '../../../src/chain/bytecode.ts';
import type { RpcLog } from '../../../src/chain/watch/decode-events.ts';
import { ANVIL_MNEMONIC } from '../../../src/chain/constants.ts';
import type { Court } from '../../../src/protocol/index.ts';

/** Unix second of the first block: the same in every run, as are accounts, so that blocks and draws are the same as well. */
const GENESIS = 1_790_000_000;
/** More than any step needs; the block holds 30 million. */
const GAS = 12_000_000;
const DEPLOY_GAS = 20_000_000;
/** How long anvil may take to answer at first, ms: many times what it needs on a busy machine. */
const START_TIMEOUT_MS = 30_000;

/** What became of a transaction. `number` and `at` are its block's. */
export interface Outcome { ok: boolean; number: bigint; at: number; events: ChainEvent[] }

export interface PartyView { free: bigint; locked: bigint; good: number; bad: number; day: number; since: number }

/** A real chain with a real scheduler, where no block and no second comes by itself. */
export interface Arena {
  court: Court;
  client: Signer;
  nodes: readonly Signer[];
  /** Sends a step, alone in a block, at the next second. */
  send(from: Address, functionName: string, args: readonly unknown[]): Promise<Outcome>;
  /** Empty block after so many seconds. */
  wait(seconds: number): Promise<void>;
  /** Empty block at this second, or at the next one where that is past. */
  until(at: number): Promise<void>;
  /** Time of the latest block, unix seconds. */
  now(): number;
  /** Undefined for a block that is not there yet. */
  blockHash(number: bigint): Promise<Hex | undefined>;
  job(jobId: Hex): Promise<Record<string, unknown>>;
  /** Client, then nodes. */
  parties(): Promise<PartyView[]>;
  scores(): Promise<bigint[]>;
  coinOf(owner: Address): Promise<bigint>;
  /** Everything back to how it was when the arena was made. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts anvil, deploys, gives the client a purse and every node a stake. */
export async function startArena({ nodes: count, purse, stake }: { nodes: number; purse: bigint; stake: bigint }): Promise<Arena> {
  const { host, port } = await freePlace();
  const anvil = spawn(anvilBinary(), ['--quiet', '--host', host, '--port', String(port), '--no-mining', '--timestamp', String(GENESIS), '--mnemonic', ANVIL_MNEMONIC, '--accounts', '12', '--no-cors'], { stdio: 'ignore' });
  const kill = (): void => void anvil.kill('SIGKILL');
  process.once('exit', kill);
  const url = `http://${host}:${port}`;
  const batch = async (calls: readonly (readonly [method: string, params: readonly unknown[]])[]): Promise<unknown[]> => {
    const body = JSON.stringify(calls.map(([method, params], id) => ({ jsonrpc: '2.0', id, method, params })));
    const answers = await (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json() as { id: number; result?: unknown; error?: { message: string } }[];
    return answers.sort((a, b) => a.id - b.id).map(({ result, error }, i) => {
      if (error !== undefined) throw new Error(`${calls[i]![0]}: ${error.message}`);
      return result;
    });
  };
  const rpc = async (method: string, ...params: unknown[]): Promise<unknown> => (await batch([[method, params]]))[0];

  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const ready = await rpc('eth_chainId').then(() => true, () => false);
    if (ready) break;
    if (anvil.exitCode !== null || performance.now() > deadline) throw new Error('anvil did not start');
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }

  let clock = GENESIS;
  const transact = async (from: Address, to: Address | undefined, data: Hex, gas: number) => {
    const hash = await rpc('eth_sendTransaction', { from, data, gas: numberToHex(gas), ...(to === undefined ? {} : { to }) });
    clock += 1;
    await rpc('evm_mine', clock);
    return await rpc('eth_getTransactionReceipt', hash) as { status: Hex; blockNumber: Hex; contractAddress: Address | null; logs: RpcLog[] };
  };
  const deploy = async (abi: Abi, bytecode: Hex, args: readonly unknown[] = []): Promise<Address> => {
    const receipt = await transact(bank, undefined, encodeDeployData({ abi, bytecode, args }), DEPLOY_GAS);
    if (receipt.status !== '0x1') throw new Error('a contract was not deployed');
    return getAddress(receipt.contractAddress!);
  };
  const accounts: Signer[] = Array.from({ length: count + 2 }, (_, addressIndex) => mnemonicToAccount(ANVIL_MNEMONIC, { addressIndex }));
  const [{ address: bank }, client, ...nodes] = accounts as [Signer, Signer, ...Signer[]];
  const coin = await deploy(coinAbi, coinBytecode);
  const randomness = await deploy([], blockHashRandomnessBytecode);
  const pieceAbi = [{ type: 'constructor', stateMutability: 'nonpayable', inputs: [{ type: 'address' }, { type: 'address' }, { type: 'uint256' }] }] as const;
  const piece = [coin, randomness, 1n] as const;
  const scheduler = await deploy(schedulerAbi, schedulerBytecode, [...piece, 10n, 86_400n, await deploy(pieceAbi, disputesBytecode, piece), await deploy(pieceAbi, checksBytecode, piece)]);
  const call = async (abi: Abi, to: Address, calls: readonly (readonly [functionName: string, args: readonly unknown[]])[]): Promise<unknown[]> => {
    const answers = await batch(calls.map(([functionName, args]) => ['eth_call', [{ to, data: encodeFunctionData({ abi, functionName, args }) }, 'latest']] as const));
    return answers.map((data, i) => decodeFunctionResult({ abi, functionName: calls[i]![0], data: data as Hex }));
  };
  const parties = [client, ...nodes].map(({ address }) => address);

  const arena: Arena = {
    court: { chainId: Number(await rpc('eth_chainId')), scheduler }, client, nodes,
    async send(from, functionName, args) {
      const receipt = await transact(from, scheduler, encodeFunctionData({ abi: schedulerAbi as Abi, functionName, args }), GAS);
      const events = receipt.logs.filter(({ address }) => getAddress(address) === scheduler).flatMap((log) => decodeEvent(log, clock) ?? []);
      return { ok: receipt.status === '0x1', number: BigInt(receipt.blockNumber), at: clock, events };
    },
    async wait(seconds) {
      clock += seconds;
      await rpc('evm_mine', clock);
    },
    async until(at) {
      clock = Math.max(clock + 1, at);
      await rpc('evm_mine', clock);
    },
    now: () => clock,
    async blockHash(number) {
      return (await rpc('eth_getBlockByNumber', numberToHex(number), false) as { hash: Hex } | null)?.hash;
    },
    async job(jobId) {
      return (await call(schedulerAbi, scheduler, [['job', [jobId]]]))[0] as Record<string, unknown>;
    },
    async parties() {
      return await call(schedulerAbi, scheduler, parties.map((address, i) => [i === 0 ? 'client' : 'node', [address]] as const)) as PartyView[];
    },
    async scores() {
      return await call(schedulerAbi, scheduler, parties.map((address, i) => ['scoreOf', [address, i > 0]] as const)) as bigint[];
    },
    async coinOf(owner) {
      return (await call(coinAbi, coin, [['balanceOf', [owner]]]))[0] as bigint;
    },
    async reset() {
      await rpc('evm_revert', snapshot);
      snapshot = await rpc('evm_snapshot');
      clock = start;
    },
    async stop() {
      process.off('exit', kill);
      const closed = once(anvil, 'close');
      kill();
      await closed;
    },
  };
  const must = async (from: Address, to: Address, abi: Abi, functionName: string, args: readonly unknown[]): Promise<void> => {
    const { status } = await transact(from, to, encodeFunctionData({ abi, functionName, args }), GAS);
    if (status !== '0x1') throw new Error(`${functionName} reverted`);
  };
  for (const party of parties) {
    await must(bank, coin, coinAbi, 'transfer', [party, 2n * (purse + stake)]);
    await must(party, coin, coinAbi, 'approve', [scheduler, maxUint256]);
  }
  await must(client.address, scheduler, schedulerAbi, 'fund', [client.address, purse]);
  for (const { address } of nodes) await must(address, scheduler, schedulerAbi, 'register', [stake, '0x']);
  const start = clock;
  let snapshot = await rpc('evm_snapshot');
  return arena;
}
