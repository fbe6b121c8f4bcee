import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zeroHash, type Address } from 'viem';
import type { Engine, RunRequest } from '../executor/index.ts';
import { encodeSpec, jobIdOf, parseJobSpec, PLAIN_TERMS, specDigest, type JobEvent, type JobRequest } from '../protocol/index.ts';
import type { NodeInit } from './components.ts';
import { Node } from './node.ts';
import type { ReplicaRecord } from './replica-record.ts';

const court = { chainId: 1, scheduler: `0x${'11'.repeat(20)}` } as const;
const address: Address = `0x${'22'.repeat(20)}`;
const spec = encodeSpec(parseJobSpec({ engine: 'noop', command: ['sleep', '600'] }));
const request: JobRequest = {
  client: `0x${'33'.repeat(20)}`, nonce: 1n, specDigest: specDigest(spec), replicas: 1, policy: 0, maxPrice: 1n, stake: 1n, minScore: 0,
  assignWindow: 10, commitWindow: 100, settleWindow: 30, disputeWindow: 40, sealKey: zeroHash, secretHash: zeroHash, ...PLAIN_TERMS,
};
const jobId = jobIdOf(court, request);

/** A node that finds in its journal that it was drawn, and an engine whose runs last until they are ended. */
function drawn(): { node: Node; begun: Promise<void>; runs: RunRequest[]; record: ReplicaRecord } {
  const runs: RunRequest[] = [];
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const engine = {
    name: 'noop', sweep: () => Promise.resolve(),
    run: (asked: RunRequest) => new Promise((_, reject) => {
      runs.push(asked);
      asked.signal!.addEventListener('abort', () => reject(asked.signal!.reason));
      resolve();
    }),
  } as unknown as Engine;
  const place = { jobId, at: 1, blockHash: zeroHash };
  const events: JobEvent[] = [{ ...place, logIndex: 0, type: 'Submitted', request, seedBlock: 1n }, { ...place, logIndex: 1, type: 'Assigned', roster: [{ node: address, price: 1n }] }];
  const record = { jobId, request, spec: new TextDecoder().decode(spec), clientAddrs: [], bid: { node: address, round: 0 }, events, attempts: 0 } as unknown as ReplicaRecord;
  const components = {
    court, engines: [engine], log: () => {}, chain: {}, storage: {}, images: {}, possessions: {},
    host: { handle: () => Promise.resolve(), unhandle: () => Promise.resolve(), getMultiaddrs: () => [] },
    journal: { all: () => Promise.resolve([{ record }]), put: () => Promise.resolve() },
    gossip: { subscribe: () => {} },
  } as unknown as ConstructorParameters<typeof Node>[0];
  const init = { address, dir: '/nowhere', offer: { cpus: 1, memoryBytes: 2 ** 40, diskBytes: 2 ** 40 }, liveLogs: false } as unknown as NodeInit;
  return { node: new Node(components, init), begun, runs, record };
}

test('a stopped node has ended its runs, and begins none', async () => {
  const { node, begun, runs, record } = drawn();
  await node.start();
  await begun;
  await node.stop();
  assert.equal(runs[0]!.signal!.aborted, true);
  // All that the end of the run set in motion has come to rest.
  await new Promise(setImmediate);
  await node.onChainEvent({ ...record.events[1]!, logIndex: 2, type: 'CommitmentPosted', index: 0, commitment: zeroHash } as JobEvent as never);
  await new Promise(setImmediate);
  assert.equal(runs.length, 1);
  assert.equal(record.attempts, 0, 'it was no failed attempt');
});

test('a run is seen while it lasts, and forgotten with its end', async () => {
  const { node, begun, runs } = drawn();
  await node.start();
  await begun;
  const [request] = runs;
  request!.onStart!();
  request!.onSample!({ t: 500, channels: { cpuNs: 3e8, residentBytes: 1e6 } });
  const live = node.live.get(jobId)!;
  assert.deepEqual([live.stage, live.runs.length, live.shards], ['running', 1, undefined]);
  const [run] = live.runs;
  assert.deepEqual([[...run!.trace('noop').t], run!.last!.channels.cpuNs], [[0, 500], 3e8]);
  await node.stop();
  assert.equal(node.live.size, 0);
});
