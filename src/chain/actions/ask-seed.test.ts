import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeErrorResult, type Hex } from 'viem';
import { schedulerAbi as abi } from '../abi.ts';
import { askSeed } from './ask-seed.ts';
import { createChain } from '../chain.ts';
import { RpcFault, startFakeRpc, type Answer } from '../rpc/fake-rpc.test-util.ts';
import { POLL_MS } from '../fixture.test-util.ts';

const JOB: Hex = `0x${'11'.repeat(32)}`;
const SEED: Hex = `0x${'5e'.repeat(32)}`;
const NOT_YET = reverted('SeedNotYet');
const GONE = reverted('SeedGone');

function reverted(errorName: 'SeedNotYet' | 'SeedGone'): RpcFault {
  return new RpcFault('execution reverted', 3, encodeErrorResult({ abi, errorName, args: [7n] }));
}

/** Asks a chain that answers so in its newest block and in the one that is being made. */
async function asked(answers: { latest: Answer; pending: Answer }): Promise<{ seed: Promise<Hex>; tags: string[] }> {
  const tags: string[] = [];
  const rpc = await startFakeRpc((_method, params) => {
    const tag = params[1] as keyof typeof answers;
    tags.push(tag);
    if (answers[tag] instanceof Error) throw answers[tag];
    return answers[tag];
  });
  const chain = createChain({ rpcUrl: rpc.url, scheduler: `0x${'a1'.repeat(20)}`, pollingIntervalMs: POLL_MS });
  const seed = askSeed(chain, 'seedOf', JOB);
  await seed.catch(() => {});
  await rpc.stop();
  return { seed, tags };
}

describe('the seed of a draw', () => {
  test('is asked of the newest block, and of no other where that knows it', async () => {
    const { seed, tags } = await asked({ latest: SEED, pending: NOT_YET });
    assert.equal(await seed, SEED);
    assert.deepEqual(tags, ['latest']);
  });

  test('is that of the block being made where the newest does not know it', async () => {
    const { seed, tags } = await asked({ latest: NOT_YET, pending: SEED });
    assert.equal(await seed, SEED);
    assert.deepEqual(tags, ['latest', 'pending']);
  });

  for (const [what, pending] of [
    ['knows of no block being made', new RpcFault('pending is not available', -32602)],
    ['takes the newest for it', NOT_YET],
    ['has no words for it', new RpcFault('no such tag', -32601)],
  ] as const) test(`is not known yet where the endpoint ${what}`, async () => {
    await assert.rejects((await asked({ latest: NOT_YET, pending })).seed, { code: 'SEED_NOT_YET' });
  });

  test('that is gone is gone', async () => {
    const { seed, tags } = await asked({ latest: GONE, pending: SEED });
    await assert.rejects(seed, { code: 'SEED_GONE' });
    assert.deepEqual(tags, ['latest']);
  });
});
