import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPublicClient, custom, numberToHex, zeroAddress } from 'viem';
import type { Chain } from '../../../chain/index.ts';
import type { JobState } from '../../../protocol/index.ts';
import { rostered, sampleRequest as request } from '../../../protocol/statements/sample-job.test-util.ts';
import type { SessionContext } from '../context.ts';
import { DrawOutlook } from './draw-outlook.ts';

const widening: JobState = { ...rostered, request, state: 'Widening', seedBlock: 50n, widening: { caller: zeroAddress, audit: true, lapsed: false } };
const open: JobState = { state: 'Open', request, since: 1000, seedBlock: 50n };

/** On a chain where so many nodes registered; `unreachable` asks come to nothing first. Resolves at each poke. */
function outlookOf(nodes: number, unreachable = 0): { outlook: DrawOutlook; asked: () => number; settled: () => Promise<void> } {
  let asks = 0;
  let wake = (): void => {};
  const chain = {
    scheduler: zeroAddress,
    client: createPublicClient({ transport: custom({ request: () => (asks++ < unreachable ? Promise.reject(new Error('away')) : Promise.resolve(numberToHex(nodes, { size: 32 }))) }, { retryCount: 0 }) }),
  } as unknown as Chain;
  const context = { components: { chain }, signal: new AbortController().signal, poke: () => wake() } as unknown as SessionContext;
  return { outlook: new DrawOutlook(context), asked: () => asks, settled: () => new Promise((resolve) => { wake = resolve; }) };
}

test('hopeless with fewer nodes than the widened job has seats, by one question a widening', async () => {
  for (const [nodes, hopeless] of [[6, true], [7, false], [8, false]] as const) {
    const { outlook, asked, settled } = outlookOf(nodes);
    const told = settled();
    assert.equal(outlook.isHopeless(open), false);
    assert.equal(outlook.isHopeless(widening), false, 'not before it is known');
    await told;
    assert.equal(outlook.isHopeless(widening), hopeless, `${nodes} nodes, ${request.replicas} replicas`);
    assert.equal(outlook.isHopeless(widening), hopeless);
    assert.equal(asked(), 1);
    assert.equal(outlook.isHopeless(open), false);
  }
});

test('a chain that cannot be asked is asked again at the next look', async () => {
  const { outlook, settled } = outlookOf(2, 1);
  const told = settled();
  outlook.isHopeless(widening);
  while (!await Promise.race([told.then(() => true), new Promise<boolean>((resolve) => { setImmediate(() => resolve(false)); })])) outlook.isHopeless(widening);
  assert.equal(outlook.isHopeless(widening), true);
});
