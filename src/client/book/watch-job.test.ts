import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { zeroAddress } from 'viem';
import { createChain } from '../../chain/index.ts';
import { startFakeRpc, HttpFault } from '../../chain/rpc/fake-rpc.test-util.ts';
import { JobBook } from './job-book.ts';
import type { JobRecord } from './job-record.ts';
import { watchJob } from './watch-job.ts';

let dir: string;
before(async () => { dir = await mkdtemp(join(tmpdir(), 'gadus-watch-')); });
after(() => rm(dir, { recursive: true }));

test('an endpoint that is away is told of once and asked again; the signal\'s reason ends the looking on', async () => {
  const book = await JobBook.open(dir);
  const record = { jobId: `0x${'ab'.repeat(32)}`, createdAt: 1, events: [], bids: [], commitments: {}, before: {}, after: {}, gas: {}, timingsMs: {} } as unknown as JobRecord;
  await book.put(record);
  const interrupted = new AbortController();
  const reason = new Error('enough');
  let asked = 0;
  const rpc = await startFakeRpc(() => {
    if (++asked === 3) interrupted.abort(reason);
    throw new HttpFault(403);
  });
  try {
    const chain = createChain({ rpcUrl: rpc.url, scheduler: zeroAddress, pollingIntervalMs: 10 });
    const said: string[] = [];
    await assert.rejects(watchJob({ chain, book }, record, { deploymentBlock: 0n, signal: interrupted.signal, onProgress: (progress) => said.push(progress.stage) }), reason);
    assert.ok(asked >= 3);
    assert.ok(said.length <= 1 && said.every((stage) => stage === 'problem'), said.join());
    assert.ok(await book.claims.isFree(record.jobId));
  } finally {
    await rpc.stop();
  }
});
