import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { withAbort } from './with-abort.ts';

test('a signal ends what a step waits for, and is left as it was', async () => {
  const controller = new AbortController();
  const endless = withAbort(controller.signal, (orAbort) => orAbort(new Promise(() => {})));
  assert.equal(getEventListeners(controller.signal, 'abort').length, 1);
  controller.abort(new Error('enough'));
  await assert.rejects(endless, { code: 'ABORTED' });
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
});

test('without one, or before it comes, steps are what they are', async () => {
  const { signal } = new AbortController();
  for (const one of [undefined, signal]) {
    assert.equal(await withAbort(one, async (orAbort) => await orAbort(Promise.resolve(1)) + 1), 2);
    await assert.rejects(withAbort(one, (orAbort) => orAbort(Promise.reject(new Error('failed')))), { message: 'failed' });
  }
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});
