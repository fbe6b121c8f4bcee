import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createClient, http } from 'viem';
import { createChain, type Watcher } from '../../../src/chain/index.ts';
import { NULL_ROUND_STEPS } from '../../../src/chain/constants.ts';
import { FakeChain } from '../../../src/chain/fake-chain.test-util.ts';
import { HttpFault, RpcFault, startFakeRpc } from '../../../src/chain/rpc/fake-rpc.test-util.ts';
import { Consumer, watchFor } from './consumer.ts';

const DEEPEST = 20;
/** Longest wait for an answer here, ms; Gadus waits 15 s. */
const TIMEOUT_MS = 150;

/** Whether the n-th request is one of a share: spread without a pattern that a client could be in step with, the same in every run. */
const isHit = (n: number, share: number): boolean => (Math.imul(n, 0x9E3779B1) >>> 0) % 1000 < share * 1000;

/** A way to misbehave: how the chain is served, and what becomes of the n-th request. */
interface Endpoint { name: string; serve?: Partial<FakeChain>; nullRounds?: boolean; disturb?: (n: number, method: string) => unknown }

const ENDPOINTS: Endpoint[] = [
  { name: 'an endpoint without faults', serve: { lag: 0, withTimes: true } },
  { name: 'Filecoin: latest is the head minus one, null rounds are error 12', serve: { lag: 1, maxRange: 2880, maxRows: 10_000 }, nullRounds: true },
  { name: 'Filecoin: null rounds are null, logs shuffled and twice', serve: { lag: 1, nullAnswer: 'null', shuffled: true }, nullRounds: true },
  { name: 'logs out of order, twice, removed ones and others\' among them', serve: { lag: 0, shuffled: true } },
  { name: 'few rows and blocks at a time', serve: { lag: 0, maxRange: 7, maxRows: 3 } },
  { name: 'HTTP 429 with Retry-After, one of four requests', disturb: (n) => { if (isHit(n, 0.25)) throw new HttpFault(429, { 'retry-after': '0' }); } },
  { name: 'JSON-RPC -32005, one of four requests', disturb: (n) => { if (isHit(n, 0.25)) throw new RpcFault('request rate limit exceeded', -32005); } },
  { name: 'JSON-RPC -32005 in the words of a range limit, one of five', disturb: (n) => { if (isHit(n, 0.2)) throw new RpcFault('limit exceeded', -32005); } },
  { name: 'no answer to one request of ten', disturb: (n) => (isHit(n, 0.1) ? new Promise(() => {}) : undefined) },
  { name: 'a gateway between: HTTP 502, 503 and 504', disturb: (n) => { if (isHit(n, 0.3)) throw new HttpFault(502 + n % 3); } },
  {
    name: 'all of it', serve: { lag: 1, maxRange: 500, maxRows: 90, shuffled: true, withTimes: true }, nullRounds: true,
    disturb: (n) => {
      if (isHit(n, 0.1)) throw new HttpFault(429, { 'retry-after': '0' });
      if (isHit(n + 1, 0.1)) throw new RpcFault('request rate limit exceeded', -32005);
      return isHit(n + 2, 0.03) ? new Promise(() => {}) : undefined;
    },
  },
];

for (const { name, serve = {}, nullRounds = false, disturb } of ENDPOINTS) {
  describe(name, () => {
    let chain: FakeChain;
    let consumer: Consumer;
    let rpc: Awaited<ReturnType<typeof startFakeRpc>>;
    let watcher: Watcher | undefined;
    let folder: string;
    let amount = 0;
    let requests = 0;
    beforeEach(async () => {
      [chain, consumer, requests] = [Object.assign(new FakeChain(), serve), new Consumer(), 0];
      folder = await mkdtemp(join(tmpdir(), 'gadus-conformance-chain-'));
      rpc = await startFakeRpc((method, params) => {
        const instead = disturb?.(++requests, method);
        return instead ?? chain.answer(method, params);
      });
    });
    afterEach(async () => {
      await watcher?.stop();
      await rpc.stop();
      await rm(folder, { recursive: true });
    });
    const start = async (): Promise<void> => {
      const client = createClient({ transport: http(rpc.url, { timeout: TIMEOUT_MS, retryCount: 3, retryDelay: 1 }) });
      watcher = await watchFor(consumer, { client, scheduler: chain.scheduler, pollingIntervalMs: 1 }, { fromBlock: 0n, cursorFile: join(folder, 'cursor.json') });
    };
    /** Two blocks of three have one to three events; on Filecoin some epochs have no block. The last two blocks let the first ones be read. */
    const grow = (blocks: number): void => {
      for (let i = 0; i < blocks; i++) {
        chain.add(...Array.from({ length: i % 3 === 2 ? 0 : 1 + i % 4 % 3 }, () => ++amount));
        if (nullRounds && i % 5 === 3) chain.nullRound();
      }
      chain.empty(2);
    };

    test(`history, then every reorganisation of 1 to ${DEEPEST} blocks: no event lost, none told twice`, async () => {
      grow(2 * DEEPEST);
      await start();
      await consumer.holds(chain.places(), 'history');
      for (let depth = 1; depth <= DEEPEST; depth++) {
        grow(depth);
        await consumer.holds(chain.places(), `new blocks before a reorganisation of ${depth}`);
        // Every third one happens while nobody looks.
        const away = depth % 3 === 0;
        if (away) await watcher!.stop();
        const before = chain.head;
        chain.dropTo(before - depth - chain.lag - 2);
        grow(depth + 3);
        // Only a branch that grew past ours is looked at: that is what wins a fork.
        while (chain.head <= before) chain.add(++amount);
        // A null round that takes a known block's place is one for certain only this far below the head.
        if (nullRounds) chain.empty(NULL_ROUND_STEPS);
        if (away) await start();
        await consumer.holds(chain.places(), `a reorganisation of ${depth}`);
      }
      assert.equal(new Set(consumer.held).size, consumer.held.length);
      assert.ok(consumer.reorgs >= DEEPEST, `${consumer.reorgs} reorganisations`);
    });
  });
}

test('a window of more than 10,000 rows and one of more than 2,880 epochs are read in parts', async () => {
  const chain = Object.assign(new FakeChain(), { maxRange: 2880, maxRows: 10_000, withTimes: true });
  chain.empty(100);
  for (let block = 0; block < 24; block++) chain.add(...Array.from({ length: 500 }, (_, i) => 500 * block + i));
  chain.empty(3000).add(99_999).empty(2);
  const rpc = await startFakeRpc((method, params) => chain.answer(method, params));
  const told: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const consumer = new Consumer();
  const watcher = await watchFor(Object.assign(consumer, {
    handlers: { ...consumer.handlers, onEvent: (event: { type: string; amount?: bigint }) => { told.push(Number(event.amount)); if (Number(event.amount) === 99_999) resolve(); } },
  }), createChain({ rpcUrl: rpc.url, scheduler: chain.scheduler, pollingIntervalMs: 1 }), { fromBlock: 0n });
  await promise;
  await watcher.stop();
  await rpc.stop();
  assert.equal(told.length, 12_001);
  assert.ok(told.every((amount, i) => i === 12_000 || amount === i), 'in order');
});

test('a client\'s first contact outlasts a limit; one that is never lifted is RPC_UNREACHABLE and does not tell the endpoint\'s address', async () => {
  let limited = 2;
  const rpc = await startFakeRpc((method) => {
    if (limited-- > 0) throw new HttpFault(429, { 'retry-after': '0' });
    return method === 'eth_chainId' ? '0x13a' : '0x60';
  });
  const { scheduler } = new FakeChain();
  assert.deepEqual(await createChain({ rpcUrl: rpc.url, scheduler }).court(), { chainId: 314, scheduler });
  limited = Number.POSITIVE_INFINITY;
  await assert.rejects(createChain({ rpcUrl: `${rpc.url}/secret-key`, scheduler }).court(), (error: Error & { code: string; details: string }) => {
    assert.equal(error.code, 'RPC_UNREACHABLE');
    assert.doesNotMatch(`${error.message} ${error.details}`, /secret-key/);
    return true;
  });
  await rpc.stop();
});
