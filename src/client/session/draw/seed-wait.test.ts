import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPublicClient, custom, decodeFunctionData, encodeErrorResult, encodeFunctionResult, zeroAddress, zeroHash, type Hex } from 'viem';
import { schedulerAbi as abi, type Chain } from '../../../chain/index.ts';
import type { JobState } from '../../../protocol/index.ts';
import { sampleRequest } from '../../../protocol/statements/sample-job.test-util.ts';
import { CLAIM_WAIT_MS } from '../../constants.ts';
import type { SessionContext } from '../context.ts';
import { SeedWait } from './seed-wait.ts';

const SEED: Hex = `0x${'5e'.repeat(32)}`;
const NOT_YET = { code: 3, message: 'execution reverted', data: encodeErrorResult({ abi, errorName: 'SeedNotYet', args: [50n] }) };
const SUBMITTED = encodeFunctionResult({ abi, functionName: 'job', result: {
  state: 1, seedBlock: 50, since: 1000, committed: 0, agreed: 0, opened: 0, contested: 0, equivocated: 0, shard: 0, posted: 0, widening: 0, seedsApart: 0, rosterHash: zeroHash,
} });
const open = (terms: object): JobState => ({ state: 'Open', request: { ...sampleRequest, ...terms }, since: 1000, seedBlock: 50n });
const claiming = open({ dataRoot: SEED });

/** In a chain whose newest block is `head`, and that tells the seed, or does not yet, or fails. */
function waitAt(head: bigint, answer: 'known' | 'not-yet' | 'failing'): { wait: SeedWait; at: { head: bigint }; asked: () => number; askedTwice: Promise<void>; poked: Promise<number> } {
  const at = { head };
  let asks = 0;
  const { promise: poked, resolve: poke } = Promise.withResolvers<number>();
  const { promise: askedTwice, resolve: askedAgain } = Promise.withResolvers<void>();
  const chain = {
    scheduler: zeroAddress,
    client: createPublicClient({ transport: custom({ request: async ({ params: [{ data }] }: { params: [{ data: Hex }] }) => {
      if (decodeFunctionData({ abi, data }).functionName === 'job') return SUBMITTED;
      if (++asks === 2) askedAgain();
      if (answer === 'known') return SEED;
      throw answer === 'not-yet' ? NOT_YET : { code: -32_000, message: 'gone' };
    } }, { retryCount: 0 }) }),
  } as unknown as Chain;
  const context = {
    components: { chain }, record: { jobId: SEED }, signal: new AbortController().signal, bidWaitMs: 0, head: () => ({ number: at.head, timestamp: 0 }), poke: () => poke(performance.now()),
  } as unknown as SessionContext;
  return { wait: new SeedWait(context), at, asked: () => asks, askedTwice, poked };
}

test('bids that depend on the seed have their time once this client knows it, and it looks again by itself', async () => {
  for (const terms of [{ dataRoot: SEED }, { reach: 1n }]) {
    const { wait, poked } = waitAt(50n, 'known');
    const began = performance.now();
    assert.equal(wait.isOver(open(terms)), false);
    const at = await poked;
    assert.ok(at - began >= CLAIM_WAIT_MS - 2, `${at - began} ms`);
    assert.equal(wait.isOver(open(terms)), true);
  }
});

test('an endpoint that tells the seed a block late does not make the holders late', async () => {
  const { wait, at, askedTwice, poked } = waitAt(50n, 'not-yet');
  assert.equal(wait.isOver(claiming), false);
  // The newest block and the one being made.
  await askedTwice;
  assert.equal(wait.isOver(claiming), false);
  const next = performance.now();
  at.head = 51n;
  assert.equal(wait.isOver(claiming), false);
  assert.ok(await poked - next >= CLAIM_WAIT_MS - 2);
  assert.equal(wait.isOver(claiming), true);
});

test('a question that fails otherwise holds nothing up, and nothing is asked before the block or of jobs that do not depend on it', async () => {
  const failing = waitAt(50n, 'failing');
  failing.wait.isOver(claiming);
  await failing.poked;
  assert.equal(failing.wait.isOver(claiming), true);
  const early = waitAt(49n, 'known');
  assert.equal(early.wait.isOver(claiming), false);
  assert.equal(early.wait.isOver(open({})), true);
  assert.equal(early.asked(), 0);
});
