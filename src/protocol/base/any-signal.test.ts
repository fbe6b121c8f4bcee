import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { anySignal } from './any-signal.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('a timeout that nobody else holds comes, though all that could be collected was and nobody listened', async () => {
  const caller = new AbortController();
  const polled = anySignal(caller.signal, AbortSignal.timeout(60));
  const nested = anySignal(anySignal(caller.signal, AbortSignal.timeout(60)), undefined, new AbortController().signal);
  // Weak references are kept until the end of the turn that made them.
  for (let i = 0; i < 5; i++) {
    await sleep(1);
    collect();
  }
  for (const signal of [polled, nested]) if (!signal.aborted) await once(signal, 'abort');
  assert.deepEqual([polled, nested].map(({ reason }) => (reason as DOMException).name), ['TimeoutError', 'TimeoutError']);
  assert.equal(caller.signal.aborted, false);
});

test('the first to abort gives the reason; of one signal there is nothing to make', () => {
  const [a, b] = [new AbortController(), new AbortController()];
  const any = anySignal(a.signal, b.signal);
  b.abort('b');
  assert.equal(any.reason, 'b');
  assert.equal(anySignal(undefined, a.signal), a.signal);
  assert.equal(anySignal().aborted, false);
});
