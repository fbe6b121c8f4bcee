import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';

const script = `
import { readFileSync, readlinkSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { preferThisThread } from ${JSON.stringify(new URL('./prefer-this-thread.ts', import.meta.url).href)};
const preferred = preferThisThread();
const stat = readFileSync('/proc/thread-self/stat', 'latin1');
parentPort.postMessage({ preferred, policy: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[38]) });
`;

const policyOf = (stat: string) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[38]);

test('a thread that says it is preferred is, and its process is not', async () => {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`));
  const [{ preferred, policy }] = await once(worker, 'message') as [{ preferred: boolean; policy: number }];
  // 1 is SCHED_FIFO, 0 the usual class (sched(7)).
  assert.equal(policy, preferred ? 1 : 0);
  assert.equal(policyOf(execFileSync('cat', [`/proc/${process.pid}/stat`], { encoding: 'latin1' })), 0);
});
