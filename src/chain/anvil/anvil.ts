import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { bytesToHex, type Address, type Hex } from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { anvilBinary } from './anvil-binary.ts';
import {
  ANVIL_BLOCK_TIME_MS, ANVIL_CHAIN_ID, ANVIL_KEPT_STATES, ANVIL_MNEMONIC, ANVIL_START_TIMEOUT_MS, ANVIL_STATE_INTERVAL_SECONDS,
  ANVIL_STOP_TIMEOUT_MS,
} from '../constants.ts';
import { ChainError } from '../errors.ts';
import { freePlace } from './free-place.ts';
import { mineBlocks } from './mine-blocks.ts';

export interface AnvilInit {
  /** One of 127.0.0.1; 0 or none: a free one. */
  port?: number;
  /** The chain is loaded from and saved to this file; without one it is forgotten. */
  stateFile?: string;
  /** Pause between blocks when nobody transacts. A transaction is mined at once, and one more block right after it. */
  blockTimeMs?: number;
  chainId?: number;
  /** How many accounts get coin for gas; 10. */
  accounts?: number;
  mnemonic?: string;
  /** Stops anvil, also after the start. */
  signal?: AbortSignal;
}

export interface Anvil {
  rpcUrl: string;
  wsUrl: string;
  chainId: number;
  /** Of the anvil process itself. */
  pid: number;
  accounts: { address: Address; privateKey: Hex }[];
  /** Settles with the exit of the process, whatever its reason. */
  exited: Promise<void>;
  /** Saves the state and ends the process; may be called twice. */
  stop(): Promise<void>;
}

/**
 * A shell that holds anvil by a pipe: when its standard input ends, because this process closed it or died in whatever way, anvil
 * gets SIGTERM, on which it saves its state. The first line it prints is anvil's process id.
 */
const KEEPER = `
exec 3<&0
"$@" </dev/null 3<&- &
anvil=$!
echo $anvil
(read -r _ <&3; kill -TERM $anvil) 2>/dev/null &
watchdog=$!
trap 'kill -TERM $anvil 2>/dev/null' TERM INT HUP
exec 3<&-
while :; do wait $anvil; code=$?; kill -0 $anvil 2>/dev/null || break; done
kill $watchdog 2>/dev/null
exit $code
`;

/**
 * Starts an anvil chain of its own and waits until it answers.
 *
 * @throws ChainError ANVIL_MISSING, ANVIL_FAILED
 */
export async function startAnvil(init: AnvilInit = {}): Promise<Anvil> {
  const { blockTimeMs = ANVIL_BLOCK_TIME_MS, chainId = ANVIL_CHAIN_ID, accounts = 10, mnemonic = ANVIL_MNEMONIC, signal } = init;
  signal?.throwIfAborted();
  const binary = anvilBinary();
  const { host, port } = await freePlace(init.port);
  const args = [
    '--quiet', '--host', host, '--port', String(port), '--chain-id', String(chainId), '--accounts', String(accounts), '--mnemonic', mnemonic,
    '--prune-history', String(ANVIL_KEPT_STATES), '--no-cors',
    ...(init.stateFile === undefined ? [] : ['--state', init.stateFile, '--state-interval', String(ANVIL_STATE_INTERVAL_SECONDS)]),
  ];
  const keeper = spawn('/bin/sh', ['-c', KEEPER, 'anvil-keeper', binary, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const output = collect(keeper);
  const exited = once(keeper, 'close').then(() => undefined, () => undefined);
  let miner: { stop(): void } | undefined;
  const stop = async (): Promise<void> => {
    miner?.stop();
    keeper.stdin.destroy();
    const killer = setTimeout(() => pid === undefined || kill(pid), ANVIL_STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(killer);
  };
  let pid: number | undefined;
  try {
    pid = await awaitPid(keeper, output, exited);
    const rpcUrl = `http://${host}:${port}`;
    const wsUrl = `ws://${host}:${port}`;
    await awaitAnswer(rpcUrl, chainId, keeper, output, signal);
    miner = await mineBlocks(wsUrl, blockTimeMs);
    signal?.addEventListener('abort', () => void stop(), { once: true });
    return { rpcUrl, wsUrl, chainId, pid, accounts: deriveAccounts(mnemonic, accounts), exited, stop };
  } catch (error) {
    await stop();
    signal?.throwIfAborted();
    throw error;
  }
}

/** The accounts that anvil gives coin for gas: m/44'/60'/0'/0/i. */
export function deriveAccounts(mnemonic: string, count: number): { address: Address; privateKey: Hex }[] {
  return Array.from({ length: count }, (_, addressIndex) => {
    const account = mnemonicToAccount(mnemonic, { addressIndex });
    return { address: account.address, privateKey: bytesToHex(account.getHdKey().privateKey!) };
  });
}

async function awaitPid(keeper: ChildProcess, output: Output, exited: Promise<void>): Promise<number> {
  await Promise.race([output.firstLine, exited, once(keeper, 'spawn').then(() => output.firstLine)]);
  const pid = Number.parseInt(output.text(), 10);
  if (!Number.isInteger(pid)) throw failed('it could not be started', output);
  return pid;
}

async function awaitAnswer(rpcUrl: string, chainId: number, keeper: ChildProcess, output: Output, signal: AbortSignal | undefined): Promise<void> {
  const deadline = performance.now() + ANVIL_START_TIMEOUT_MS;
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] });
  for (;;) {
    signal?.throwIfAborted();
    if (keeper.exitCode !== null) throw failed(`it ended with code ${keeper.exitCode}`, output);
    try {
      const response = await fetch(rpcUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal: AbortSignal.timeout(ANVIL_START_TIMEOUT_MS) });
      const { result } = await response.json() as { result?: string };
      if (Number(result) === chainId && keeper.exitCode === null) return;
      throw new ChainError('ANVIL_FAILED', 'another program answers on anvil\'s port', { details: rpcUrl, hint: 'choose another port' });
    } catch (error) {
      if (error instanceof ChainError) throw error;
    }
    if (performance.now() > deadline) throw failed(`it did not answer within ${ANVIL_START_TIMEOUT_MS} ms`, output);
    await sleep(10);
  }
}

interface Output { text(): string; firstLine: Promise<void> }

/** Keeps the end of what the process prints, for the error message. */
function collect(child: ChildProcess): Output {
  let text = '';
  const { promise: firstLine, resolve } = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-4000);
      if (text.includes('\n')) resolve();
    });
  }
  return { text: () => text, firstLine };
}

function failed(reason: string, output: Output): ChainError {
  const said = output.text().split('\n').slice(1).join('\n').trim();
  return new ChainError('ANVIL_FAILED', 'anvil did not start', { details: said === '' ? reason : `${reason}; it said: ${said}` });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone: what was wanted.
  }
}
