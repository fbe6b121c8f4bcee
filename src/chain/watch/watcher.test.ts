import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { numberToHex, pad, type Hex } from 'viem';
import { isJobEvent } from './decode-events.ts';
import { createChain, type Chain } from '../chain.ts';
import { FakeChain } from '../fake-chain.test-util.ts';
import { RpcFault, startFakeRpc } from '../rpc/fake-rpc.test-util.ts';
import { POLL_MS, startFixture, startProxy, temporaryFolder, type Fixture } from '../fixture.test-util.ts';
import { fund } from '../index.ts';
import { recorder } from '../recorder.test-util.ts';
import { Watcher, type WatcherInit } from './watcher.ts';

describe('watching anvil', () => {
  let f: Fixture;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let started: Watcher[] = [];
  // The clock brings no block of its own, so that a reorganisation's depth can be counted.
  before(async () => { f = await startFixture({ blockTimeMs: 3_600_000 }); });
  after(() => f.anvil.stop());
  beforeEach(async () => { folder = await temporaryFolder(); });
  afterEach(async () => {
    await Promise.all(started.map((watcher) => watcher.stop()));
    started = [];
    await folder.remove();
  });
  const watch = async (init: Partial<WatcherInit> & Pick<WatcherInit, 'onEvent'>, chain: Chain = f.client): Promise<Watcher> => {
    const watcher = new Watcher({ chain }, { cursorFile: join(folder.path, 'cursor.json'), fromBlock: 'latest', pollingIntervalMs: POLL_MS, ...init });
    started.push(watcher);
    await watcher.start();
    return watcher;
  };
  const give = (amount: bigint) => fund(f.client, { amount });
  /** Replaces everything from a block on; an empty block may still come in between, then once more. */
  const replaceFrom = async (first: bigint): Promise<void> => {
    const hashOf = async () => (await f.rpc('eth_getBlockByNumber', numberToHex(first), false) as { hash: Hex }).hash;
    const old = await hashOf();
    while (await hashOf() === old) {
      const head = BigInt(await f.rpc('eth_blockNumber') as Hex);
      await f.rpc('anvil_reorg', Number(head - first) + 1, []);
    }
  };

  test('everything since the deployment, in order, with times', async () => {
    const seen = recorder();
    await watch({ ...seen.init, fromBlock: f.deployment.deploymentBlock });
    await give(1n);
    await seen.until(() => seen.log.includes('+1'), 'the new event');
    assert.equal(seen.log.filter((entry) => entry === '+Registered').length, 3);
    assert.ok(seen.events.every(({ at }) => Math.abs(at - Date.now() / 1000) < 3600));
    const places = seen.events.map(({ blockNumber, logIndex }) => Number(blockNumber) * 1000 + logIndex);
    assert.deepEqual(places, places.toSorted((a, b) => a - b));
    assert.ok(!seen.events.some(isJobEvent));
  });

  test('a restart goes on where the cursor is: nothing twice, nothing missing', async () => {
    const first = recorder();
    const watcher = await watch(first.init);
    await give(11n);
    await first.until(() => first.log.includes('+11'), 'before');
    await watcher.stop();
    await give(12n);
    await give(13n);
    const second = recorder();
    await watch({ ...second.init, fromBlock: 0n });
    await second.until(() => second.log.includes('+13'), 'after');
    assert.deepEqual([first.log, second.log], [['+11'], ['+12', '+13']]);
  });

  test('an event whose handler failed is handed over again, the following ones after it, and again after a stop', async () => {
    const seen = recorder();
    let failures = 2;
    const watcher = await watch({ ...seen.init, onEvent: (event) => { if (failures-- > 0) throw new Error('not now'); return seen.init.onEvent(event); } });
    await give(21n);
    await give(22n);
    await seen.until(() => seen.log.includes('+22'), 'both');
    assert.deepEqual(seen.log, ['+21', '+22']);
    assert.equal(seen.statuses.filter(({ status }) => status === 'blocked').length, 2);
    await watcher.stop();

    const stuck = recorder();
    const broken = await watch({ ...stuck.init, onEvent: () => { throw new Error('never'); } });
    await give(23n);
    await stuck.until(() => stuck.statuses.some(({ status }) => status === 'blocked'), 'blocked');
    await broken.stop();
    const later = recorder();
    await watch(later.init);
    await later.until(() => later.log.includes('+23'), 'again');
  });

  test('a reorganisation takes events back and brings the new ones', async () => {
    const seen = recorder();
    await watch(seen.init);
    await give(31n);
    await seen.until(() => seen.log.includes('+31'), 'before');
    const { blockNumber } = await give(32n);
    await give(33n);
    await seen.until(() => seen.log.includes('+33'), 'what will go');
    await replaceFrom(blockNumber);
    await give(34n);
    await seen.until(() => seen.log.includes('+34'), 'the new branch');
    assert.deepEqual(seen.log, ['+31', '+32', '+33', '-33', '-32', '+34']);
    assert.equal(seen.reorgs[0]?.removed.length, 2);
    assert.ok(seen.reorgs[0].forkBlock < seen.reorgs[0].removed[1]!.blockNumber);
  });

  test('a reorganisation while the watcher was down is told after the restart', async () => {
    const first = recorder();
    const watcher = await watch(first.init);
    await give(41n);
    const { blockNumber } = await give(42n);
    await first.until(() => first.log.includes('+42'), 'before');
    await watcher.stop();
    await replaceFrom(blockNumber);
    await give(43n);
    const second = recorder();
    await watch(second.init);
    await second.until(() => second.log.includes('+43'), 'after');
    assert.deepEqual(second.log, ['-42', '+43']);
  });

  test('an endpoint that goes away and returns costs no event', async () => {
    const proxy = await startProxy(f.anvil.rpcUrl);
    const seen = recorder();
    await watch(seen.init, f.connect(proxy.url, 1));
    await give(51n);
    await seen.until(() => seen.log.includes('+51'), 'before');
    await proxy.cut();
    await give(52n);
    await seen.until(() => seen.statuses.at(-1)?.status === 'down', 'down');
    const down = seen.statuses.at(-1)!;
    assert.ok(down.status === 'down' && down.error.code === 'RPC_UNREACHABLE');
    await give(53n);
    await proxy.restore();
    await seen.until(() => seen.log.includes('+53') && seen.statuses.at(-1)?.status === 'live', 'after');
    assert.deepEqual(seen.log, ['+51', '+52', '+53']);
    await proxy.cut();
  });

  test('confirmations hold events back', async () => {
    const seen = recorder();
    await watch({ ...seen.init, confirmations: 5 });
    const { blockNumber } = await give(61n);
    await f.rpc('anvil_mine', '0x5');
    await seen.until(() => seen.log.includes('+61'), 'confirmed');
    assert.equal(seen.events[0]?.blockNumber, blockNumber);
    assert.ok(Number(await f.rpc('eth_blockNumber')) >= Number(blockNumber) + 5);
  });

  test('a cursor of another chain or scheduler, or a damaged one, is refused', async () => {
    const cursorFile = join(folder.path, 'cursor.json');
    const seen = recorder();
    const watcher = await watch(seen.init);
    await give(71n);
    await seen.until(() => seen.log.includes('+71'), 'a cursor');
    await watcher.stop();
    const good = JSON.parse(await readFile(cursorFile, 'utf8'));
    await writeFile(cursorFile, JSON.stringify({ ...good, scheduler: f.deployment.coin }));
    await assert.rejects(watch(seen.init), { code: 'CURSOR_MISMATCH' });
    await writeFile(cursorFile, '{"version":1');
    await assert.rejects(watch(seen.init), { code: 'CURSOR_INVALID' });
    await writeFile(cursorFile, JSON.stringify({ ...good, chainId: 5 }));
    await watch(seen.init);
    await seen.until(() => seen.statuses.at(-1)?.status === 'failed', 'failed');
    await writeFile(cursorFile, JSON.stringify({ ...good, complete: false, recent: good.recent.map((block: object) => ({ ...block, hash: pad('0x1') })) }));
    await watch(seen.init);
    await give(72n);
    await seen.until(() => { const last = seen.statuses.at(-1); return last?.status === 'failed' && last.error.code === 'REORG_TOO_DEEP'; }, 'too deep');
  });
});

describe('watching an endpoint that misbehaves', () => {
  let chain: FakeChain;
  let rpc: Awaited<ReturnType<typeof startFakeRpc>>;
  let seen: ReturnType<typeof recorder>;
  let watcher: Watcher | undefined;
  let disturb: ((method: string, params: any[]) => void) | undefined;
  beforeEach(async () => {
    disturb = undefined;
    chain = new FakeChain();
    seen = recorder();
    rpc = await startFakeRpc((method, params) => { disturb?.(method, params); return chain.answer(method, params); });
  });
  afterEach(async () => {
    await watcher?.stop();
    await rpc.stop();
  });
  const start = async (init: Partial<WatcherInit> = {}) => {
    watcher = new Watcher({ chain: createChain({ rpcUrl: rpc.url, scheduler: chain.scheduler }) }, { fromBlock: 0n, pollingIntervalMs: 5, ...seen.init, ...init });
    await watcher.start();
  };
  const asked = (method: string) => rpc.calls.filter((call) => call.method === method);

  for (const nullAnswer of ['error', 'null'] as const) {
    test(`null rounds (${nullAnswer}), a head that cannot be read yet, logs shuffled and twice`, async () => {
      Object.assign(chain, { nullAnswer, shuffled: true });
      chain.add().add(1, 2).nullRound().add(3).nullRound().nullRound().add(4, 5, 6).nullRound().add();
      await start();
      await seen.until(() => seen.log.length >= 6, 'history');
      for (let i = 7; i < 20; i++) {
        if (i % 3 === 0) chain.nullRound();
        chain.add(i).nullRound().add();
        await seen.until(() => seen.log.includes(`+${i}`), String(i));
      }
      assert.deepEqual(seen.log, Array.from({ length: 19 }, (_, i) => `+${i + 1}`));
      assert.equal(seen.events[3]?.at, 30 * 6);
      assert.deepEqual(seen.reorgs, []);
    });
  }

  test('history comes in windows of at most 2,000 blocks, and smaller where the endpoint wants', async () => {
    chain.empty(100).add(1).empty(2500).add(2).add(3).add(4).empty(1500).add(5).empty(100);
    Object.assign(chain, { maxRange: 777, maxRows: 2 });
    await start();
    await seen.until(() => seen.log.length === 5, 'all');
    assert.deepEqual(seen.log, ['+1', '+2', '+3', '+4', '+5']);
    const ranges = asked('eth_getLogs').flatMap(({ params: [{ fromBlock, toBlock }] }) => (fromBlock === undefined ? [] : [Number(toBlock) - Number(fromBlock) + 1]));
    assert.equal(Math.max(...ranges), 2000);
    assert.ok(asked('eth_getBlockByNumber').length < 100, 'no walk over block numbers');
    assert.ok(seen.statuses.some(({ status }) => status === 'syncing'));
  });

  test('no logs are asked for while nothing is new', async () => {
    chain.empty(5);
    await start();
    await seen.until(() => seen.statuses.at(-1)?.status === 'live', 'live');
    const before = asked('eth_getLogs').length;
    const looks = asked('eth_getBlockByNumber').length;
    disturb = (method) => { if (method === 'eth_getBlockByNumber' && asked(method).length === looks + 10) seen.init.onHead(); };
    await seen.until(() => asked('eth_getBlockByNumber').length >= looks + 10, 'ten looks');
    assert.equal(asked('eth_getLogs').length, before);
  });

  test('a branch of another length replaces ours; what stayed is not told again', async () => {
    chain.add(1).add().add(2).add(3).nullRound().add();
    await start();
    await seen.until(() => seen.log.includes('+3'), 'the old branch');
    chain.dropTo(1).add(4).add(2).add().add(5).nullRound().add().add();
    await seen.until(() => seen.log.includes('+5'), 'the new branch');
    assert.deepEqual(seen.log, ['+1', '+2', '+3', '-3', '-2', '+4', '+2', '+5']);
    assert.equal(seen.reorgs.length, 1);
  });

  test('a branch that is shorter is noticed, too, where a remembered block is in its reach', async () => {
    chain.add(1);
    await start();
    for (let number = 2; number < 8; number++) {
      chain.add(number);
      await seen.until(() => seen.log.includes(`+${number - 1}`), `block ${number - 2}`);
    }
    chain.dropTo(2).add(12).add();
    await seen.until(() => seen.log.includes('+12'), 'the new branch');
    assert.deepEqual(seen.log, ['+1', '+2', '+3', '+4', '+5', '+6', '-6', '-5', '-4', '+12']);
  });

  test('a chain that was reset below all that was ever read is read anew', async () => {
    chain.add().add(1).add(2).add();
    await start({ fromBlock: 1n });
    await seen.until(() => seen.log.includes('+2'), 'before');
    chain.dropTo(-1).add(3).add(4).add(5).add().add();
    await seen.until(() => seen.log.includes('+5'), 'after');
    assert.deepEqual(seen.log, ['+1', '+2', '-2', '-1', '+4', '+5']);
    assert.equal(seen.reorgs[0]?.forkBlock, 0n);
  });

  test('a reorganisation between two questions of one look delivers nothing of the mixture', async () => {
    chain.add(1).add();
    await start();
    await seen.until(() => seen.log.includes('+1') && seen.statuses.at(-1)?.status === 'live', 'before');
    let changed = false;
    disturb = (method) => {
      if (changed || method !== 'eth_getLogs') return;
      changed = true;
      chain.dropTo(1).add(8).add(9).add().add();
    };
    chain.add(2).add(3).add().add();
    await seen.until(() => seen.log.includes('+9'), 'the new branch');
    assert.ok(changed);
    assert.deepEqual(seen.log, ['+1', '+8', '+9']);
  });

  test('an endpoint that lags behind itself does not look like a reorganisation', async () => {
    chain.add(1).empty(10).add(2).add();
    await start();
    await seen.until(() => seen.log.includes('+2') && seen.statuses.at(-1)?.status === 'live', 'before');
    chain.lag = 6;
    chain.add(3).add();
    chain.lag = 1;
    chain.add(4).add();
    await seen.until(() => seen.log.includes('+4'), 'after');
    assert.deepEqual(seen.log, ['+1', '+2', '+3', '+4']);
    assert.deepEqual(seen.reorgs, []);
  });

  test('answers that fail now and then cost time only', async () => {
    let n = 0;
    disturb = () => { if (++n % 3 === 0) throw new RpcFault('server is busy, 503', -32603); };
    chain.add(1).add(2).add();
    await start();
    await seen.until(() => seen.log.includes('+2'), 'history');
    chain.add(3).add();
    await seen.until(() => seen.log.includes('+3'), 'live');
    assert.deepEqual(seen.log, ['+1', '+2', '+3']);
  });
});
