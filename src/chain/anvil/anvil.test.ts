import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { encodeFunctionData, numberToHex, pad } from 'viem';
import { anvilBinary } from './anvil-binary.ts';
import { startAnvil, type Anvil } from './anvil.ts';
import { coinAbi } from '../abi.ts';
import { deployContracts } from '../deployment/deploy.ts';
import { COIN, POLL_MS, temporaryFolder } from '../fixture.test-util.ts';
import { coinBalance, createChain, readAddresses, transferCoin, writeAddresses } from '../index.ts';

const HISTORY = '0x0000F90827F1C53a10cb7A02335B175320002935';
const params = { seedDelay: 1, minWindowSeconds: 1, maxWindowSeconds: 86_400, pollingIntervalMs: POLL_MS };

async function rpc({ rpcUrl }: Anvil, method: string, ...parameters: unknown[]): Promise<any> {
  const response = await fetch(rpcUrl, { method: 'POST', body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: parameters }), headers: { 'content-type': 'application/json' } });
  const { result, error } = await response.json() as { result?: unknown; error?: { message: string } };
  if (error) throw new Error(error.message);
  return result;
}

/** Whether the process is gone or only waits to be reaped. */
async function isGone(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return true;
  }
  const { readFile } = await import('node:fs/promises');
  return /\) Z /.test(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z '));
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!await condition()) {
    assert.ok(performance.now() < deadline, what);
    await sleep(10);
  }
}

test('a block follows every transaction long before the clock brings one', async () => {
  const anvil = await startAnvil({ blockTimeMs: 60_000, accounts: 2 });
  try {
    assert.equal(anvil.accounts.length, 2);
    const { blockNumber } = await mined(anvil);
    await until(async () => Number(await rpc(anvil, 'eth_blockNumber')) === blockNumber + 1, 'the block behind');
    const next = await rpc(anvil, 'eth_getBlockByNumber', numberToHex(blockNumber + 1), false);
    assert.equal(next.transactions.length, 0);
    // A block behind is empty, so none follows it.
    const after = await mined(anvil);
    assert.equal(after.blockNumber, blockNumber + 2);
  } finally {
    await anvil.stop();
  }
});

test('old logs, the last 256 block hashes and EIP-2935 stay available though states are pruned', async () => {
  const anvil = await startAnvil();
  try {
    const { scheduler, coin, deploymentBlock } = await deployContracts(anvil.rpcUrl, anvil.accounts[0]!.privateKey, params);
    await rpc(anvil, 'anvil_mine', '0x190');
    const chain = createChain({ rpcUrl: anvil.rpcUrl, scheduler, privateKey: anvil.accounts[0]!.privateKey, pollingIntervalMs: POLL_MS });
    await transferCoin(chain, { to: anvil.accounts[1]!.address, amount: COIN });
    const logs = await rpc(anvil, 'eth_getLogs', { fromBlock: '0x0', toBlock: 'latest', address: coin });
    assert.equal(logs.length, 2, 'the mint and the transfer');
    assert.ok(Number(logs[0].blockNumber) < Number(deploymentBlock));
    const head = Number(await rpc(anvil, 'eth_blockNumber'));
    const hashOf = async (number: number) => (await rpc(anvil, 'eth_getBlockByNumber', numberToHex(number), false)).hash;
    // PUSH2 n BLOCKHASH PUSH0 MSTORE PUSH1 32 PUSH0 RETURN
    assert.equal(await rpc(anvil, 'eth_call', { data: `0x61${(head - 200).toString(16).padStart(4, '0')}405f5260205ff3` }, 'latest'), await hashOf(head - 200));
    assert.equal(await rpc(anvil, 'eth_call', { to: HISTORY, data: pad(numberToHex(head - 390)) }, 'latest'), await hashOf(head - 390));
  } finally {
    await anvil.stop();
  }
});

test('the chain survives a restart with its state file, logs included', async () => {
  const folder = await temporaryFolder();
  const stateFile = join(folder.path, 'state.json');
  const first = await startAnvil({ stateFile });
  const deployment = await deployContracts(first.rpcUrl, first.accounts[0]!.privateKey, params);
  await writeAddresses(join(folder.path, 'addresses.json'), deployment);
  const { blockNumber } = await mined(first);
  await first.stop();
  await first.stop();
  assert.ok(await isGone(first.pid));
  const second = await startAnvil({ stateFile });
  try {
    const { gas, ...addresses } = deployment;
    assert.ok(gas.scheduler > 0n);
    const read = await readAddresses(join(folder.path, 'addresses.json'));
    assert.deepEqual(read, addresses);
    const chain = createChain({ rpcUrl: second.rpcUrl, scheduler: read.scheduler, privateKey: second.accounts[0]!.privateKey, pollingIntervalMs: POLL_MS });
    assert.equal(await coinBalance(chain), 200_000_000n * COIN);
    assert.ok(Number(await rpc(second, 'eth_blockNumber')) >= blockNumber);
    assert.equal((await rpc(second, 'eth_getLogs', { fromBlock: '0x0', toBlock: 'latest', address: deployment.coin })).length, 1);
    await transferCoin(chain, { to: second.accounts[1]!.address, amount: COIN });
  } finally {
    await second.stop();
    await folder.remove();
  }
});

test('anvil dies with its parent, even when that is killed', async () => {
  const code = `import { startAnvil } from ${JSON.stringify(join(import.meta.dirname, 'anvil.ts'))};
    const anvil = await startAnvil(); console.log(anvil.pid); setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(parent.stdout.setEncoding('utf8'), 'data') as [string];
  const pid = Number(line);
  assert.ok(pid > 0 && !await isGone(pid));
  parent.kill('SIGKILL');
  await until(() => isGone(pid), 'anvil outlived its parent');
});

test('a signal stops it; a port that is taken and a missing binary are typed errors', async () => {
  const controller = new AbortController();
  const anvil = await startAnvil({ signal: controller.signal });
  try {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    await assert.rejects(startAnvil({ port: (other.address() as AddressInfo).port }), { code: 'ANVIL_FAILED' });
    other.close();
    assert.ok(!await isGone(anvil.pid));
  } finally {
    controller.abort();
  }
  await anvil.exited;
  assert.ok(await isGone(anvil.pid));
  assert.throws(() => anvilBinary('aix', 'mips'), { code: 'ANVIL_MISSING' });
});

test('an addresses file that is missing or damaged is a typed error', async () => {
  const folder = await temporaryFolder();
  const { writeFile } = await import('node:fs/promises');
  const path = join(folder.path, 'addresses.json');
  await assert.rejects(readAddresses(path), { code: 'ADDRESSES_INVALID' });
  for (const text of ['', '{', 'null', '[]', '{"chainId":1}', '{"chainId":1,"scheduler":"0x1"}']) {
    await writeFile(path, text);
    await assert.rejects(readAddresses(path), { code: 'ADDRESSES_INVALID' }, text);
  }
  await folder.remove();
});

test('parameters the contract refuses are TX_REVERTED', async () => {
  const anvil = await startAnvil();
  try {
    await assert.rejects(deployContracts(anvil.rpcUrl, anvil.accounts[0]!.privateKey, { ...params, seedDelay: 0 }), { code: 'TX_REVERTED' });
  } finally {
    await anvil.stop();
  }
});

async function mined(anvil: Anvil): Promise<{ blockNumber: number }> {
  const [from] = await rpc(anvil, 'eth_accounts');
  const hash = await rpc(anvil, 'eth_sendTransaction', { from, to: from, data: encodeFunctionData({ abi: coinAbi, functionName: 'totalSupply' }) });
  let receipt: { blockNumber: string } | null = null;
  await until(async () => (receipt = await rpc(anvil, 'eth_getTransactionReceipt', hash)) !== null, 'the receipt');
  return { blockNumber: Number(receipt!.blockNumber) };
}
