import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { encodeErrorResult, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { schedulerAbi } from '../abi.ts';
import { createChain } from '../chain.ts';
import { createChainClient } from './chain-client.ts';
import { ChainError } from '../errors.ts';
import { RpcFault, startFakeRpc } from './fake-rpc.test-util.ts';
import { COIN, POLL_MS, startFixture, startProxy, type Fixture } from '../fixture.test-util.ts';
import { coinBalance, fund, transferCoin } from '../index.ts';
import { createSender } from './sender.ts';

const KEY = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d';
const hash32 = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`;

describe('sending on anvil', () => {
  let f: Fixture;
  before(async () => { f = await startFixture(); });
  after(() => f.anvil.stop());

  test('20 calls at once from one account all succeed, numbered without a gap', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => fund(f.client, { amount: 1n })));
    assert.equal(new Set(results.map(({ hash }) => hash)).size, 20);
    assert.ok(results.every(({ events }) => events[0]?.type === 'Funded'));
  });

  test('a failing call among them takes no number', async () => {
    const results = await Promise.allSettled(Array.from({ length: 9 }, (_, i) => fund(f.client, { amount: i % 3 === 1 ? 10_000n * COIN : 1n })));
    assert.deepEqual(results.map(({ status }) => status), Array.from({ length: 9 }, (_, i) => (i % 3 === 1 ? 'rejected' : 'fulfilled')));
    assert.ok((await fund(f.client, { amount: 1n })).hash);
  });

  test('two programs that send from one account get along', async () => {
    const other = f.connect(f.anvil.rpcUrl, 1);
    for (let round = 0; round < 5; round++) {
      await Promise.all([fund(f.client, { amount: 1n }), fund(other, { amount: 1n })]);
      await fund(other, { amount: 1n });
      await fund(f.client, { amount: 1n });
    }
  });

  test('a transaction that a reorganisation or the pool dropped does not spoil the next', async () => {
    await fund(f.client, { amount: 1n });
    await f.rpc('anvil_setNonce', f.client.signer().address, '0x500');
    assert.ok((await fund(f.client, { amount: 1n })).hash);
  });

  test('an abort ends the wait and leaves the account usable', async () => {
    const controller = new AbortController();
    const sent = fund(f.client, { amount: 1n }, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await assert.rejects(sent, /enough/);
    assert.ok((await fund(f.client, { amount: 1n })).hash);
  });

  test('an endpoint that is away is RPC_UNREACHABLE, and the account goes on when it is back', async () => {
    const proxy = await startProxy(f.anvil.rpcUrl);
    const chain = f.connect(proxy.url, 1);
    await fund(chain, { amount: 1n });
    await proxy.cut();
    await assert.rejects(fund(chain, { amount: 1n }), (error: ChainError) => {
      assert.equal(error.code, 'RPC_UNREACHABLE');
      assert.ok(!error.message.includes(proxy.url), 'the address may hold a key');
      return true;
    });
    await proxy.restore();
    assert.ok((await fund(chain, { amount: 1n })).hash);
    await proxy.cut();
  });

  test('an account without gas, a wrong address, a wrong chain and a reader are told apart', async () => {
    const poor = createChain({ rpcUrl: f.anvil.rpcUrl, scheduler: f.deployment.scheduler, privateKey: hash32(7), pollingIntervalMs: POLL_MS });
    await assert.rejects(transferCoin(poor, { to: f.deployment.coin, amount: 0n }), { code: 'GAS_FUNDS_TOO_LOW' });
    const misplaced = createChain({ rpcUrl: f.anvil.rpcUrl, scheduler: poor.signer().address, privateKey: KEY });
    await assert.rejects(fund(misplaced, { amount: 1n }), { code: 'NO_CONTRACT' });
    await assert.rejects(coinBalance(misplaced), { code: 'NO_CONTRACT' });
    const elsewhere = createChain({ rpcUrl: f.anvil.rpcUrl, scheduler: f.deployment.scheduler, privateKey: KEY, chainId: 314 });
    await assert.rejects(fund(elsewhere, { amount: 1n }), { code: 'CHAIN_MISMATCH' });
    const reader = createChain({ rpcUrl: f.anvil.rpcUrl, scheduler: f.deployment.scheduler });
    await assert.rejects(async () => fund(reader, { amount: 1n }), { code: 'NO_ACCOUNT' });
    assert.ok(await coinBalance(reader, f.client.signer().address) > 0n);
  });
});

describe('sending through an endpoint that misbehaves', () => {
  /** Answers as a chain that takes everything; `answer` may say otherwise by returning something or throwing. */
  const open = async (answer: (method: string, params: any[], nth: number) => unknown, init: { receiptTimeoutMs?: number } = {}) => {
    const counts = new Map<string, number>();
    const rpc = await startFakeRpc((method, params) => {
      const nth = (counts.get(method) ?? 0) + 1;
      counts.set(method, nth);
      const special = answer(method, params, nth);
      if (special !== undefined) return special;
      switch (method) {
        case 'eth_estimateGas': return '0x5208';
        case 'eth_getBlockByNumber': return { number: '0x1', timestamp: '0x1', baseFeePerGas: '0x7', transactions: [] };
        case 'eth_maxPriorityFeePerGas': return '0x1';
        case 'eth_getTransactionCount': return '0x0';
        case 'eth_getTransactionByHash': return null;
        case 'eth_sendRawTransaction': return hash32(1);
        case 'eth_getTransactionReceipt': return { status: '0x1', transactionHash: params[0], blockNumber: '0x2', gasUsed: '0x5208', logs: [] };
        default: throw new RpcFault(`unexpected ${method}`);
      }
    });
    const sender = createSender({ client: createChainClient(rpc.url), account: privateKeyToAccount(KEY), chainId: async () => 314 }, { pollingIntervalMs: 5, ...init });
    return { rpc, sender, send: () => sender.send({ to: KEY.slice(0, 42) as Hex, data: '0x' }) };
  };

  test('a revert in the block tells the contract\'s reason', async () => {
    const data = encodeErrorResult({ abi: schedulerAbi, errorName: 'WrongState', args: [6] });
    const { rpc, send } = await open((method, params) => {
      if (method === 'eth_getTransactionReceipt') return { status: '0x0', transactionHash: params[0], blockNumber: '0x2', gasUsed: '0x5208', logs: [] };
      if (method === 'eth_call') throw new RpcFault('execution reverted', 3, data);
      return undefined;
    });
    await assert.rejects(send(), (error: ChainError) => error.code === 'WRONG_STATE' && error.message.includes('Settled'));
    await rpc.stop();
  });

  test('a transaction that runs out of gas in the block says so', async () => {
    const { rpc, send } = await open((method, params) => {
      if (method === 'eth_getTransactionReceipt') return { status: '0x0', transactionHash: params[0], blockNumber: '0x2', gasUsed: '0x5208', logs: [] };
      if (method === 'eth_getTransactionByHash') return { gas: '0x5208' };
      if (method === 'eth_call') return '0x';
      return undefined;
    });
    await assert.rejects(send(), (error: ChainError) => error.code === 'TX_REVERTED' && error.message.includes('out of gas'));
    await rpc.stop();
  });

  test('no receipt is TX_TIMEOUT with the hash', async () => {
    const { rpc, send } = await open((method) => (method === 'eth_getTransactionReceipt' ? null : undefined), { receiptTimeoutMs: 60 });
    await assert.rejects(send(), (error: ChainError) => error.code === 'TX_TIMEOUT' && /0x[0-9a-f]{64}/.test(error.message));
    await rpc.stop();
  });

  test('a lost answer to a transaction that did arrive is not sent again under another number', async () => {
    const { rpc, send } = await open((method, _params, nth) => {
      if (method === 'eth_sendRawTransaction') throw nth === 1 ? new RpcFault('internal error', -32603) : new RpcFault('already known');
      if (method === 'eth_getTransactionByHash') return { gas: '0x1' };
      return undefined;
    });
    await send();
    const raws = rpc.calls.filter(({ method }) => method === 'eth_sendRawTransaction').map(({ params }) => params[0] as string);
    assert.equal(raws.length, 2);
    assert.equal(new Set(raws).size, 1);
    await rpc.stop();
  });

  test('a number that is used is asked anew', async () => {
    const { rpc, send } = await open((method, _params, nth) => {
      if (method === 'eth_sendRawTransaction' && nth < 3) throw new RpcFault('nonce too low: next nonce 2, tx nonce 0');
      if (method === 'eth_getTransactionCount') return `0x${(nth - 1).toString(16)}`;
      return undefined;
    });
    await send();
    assert.equal(rpc.calls.filter(({ method }) => method === 'eth_getTransactionCount').length, 3);
    await rpc.stop();
  });

  test('an endpoint without pending blocks or tips is served too', async () => {
    const { rpc, send } = await open((method, params) => {
      if (method === 'eth_estimateGas' && params.length > 1) throw new RpcFault('pending is not supported', -32602);
      if (method === 'eth_maxPriorityFeePerGas') throw new RpcFault('no such method', -32601);
      if (method === 'eth_gasPrice') return '0x9';
      return undefined;
    });
    await send();
    assert.equal(rpc.calls.find(({ method }) => method === 'eth_sendRawTransaction')?.params[0].slice(0, 4), '0xf8', 'a legacy transaction');
    await rpc.stop();
  });
});
