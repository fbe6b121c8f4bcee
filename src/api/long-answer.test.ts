import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { callApi, type Progress } from './call-api.ts';
import { ApiError } from './errors.ts';
import { longAnswer, type LongAnswer } from './long-answer.ts';

async function serve(t: TestContext, work: (answer: LongAnswer, outgoing: ServerResponse) => Promise<void>) {
  const server = createServer((incoming, outgoing) => {
    incoming.resume();
    void work(longAnswer(incoming, outgoing), outgoing);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 'x' };
}

test('what is answered at once is one JSON value with its status', async (t) => {
  const target = await serve(t, async (answer) => answer.end(200, { big: 2n ** 70n }));
  assert.deepEqual(await callApi(target, 'GET', '/'), { big: String(2n ** 70n) });
  assert.equal((await fetch(target.url)).headers.get('content-type'), 'application/json');
  const refusing = await serve(t, async (answer) => answer.end(404, { error: new ApiError('NOT_FOUND', 'not here', { hint: 'look elsewhere' }) }));
  await assert.rejects(callApi(refusing, 'GET', '/'), { code: 'API_REFUSED', message: /not here/, hint: 'look elsewhere' });
});

test('what takes long tells how far it is, and then ends well or not, or is cut off', async (t) => {
  const ends: [(answer: LongAnswer, outgoing: ServerResponse) => void, (calling: Promise<unknown>) => Promise<void>][] = [
    [(answer) => answer.end(200, { cid: 'bafy' }), async (calling) => assert.deepEqual(await calling, { cid: 'bafy' })],
    [(answer) => answer.end(400, { error: { code: 'DISK_FULL', message: 'the disk is full' } }), (calling) => assert.rejects(calling, { code: 'API_REFUSED', message: /the disk is full/ })],
    [(_answer, outgoing) => outgoing.destroy(), (calling) => assert.rejects(calling, { code: 'API_UNREACHABLE' })],
    [(_answer, outgoing) => outgoing.end(), (calling) => assert.rejects(calling, { code: 'API_UNREACHABLE', message: /cut off/ })],
  ];
  for (const [end, expect] of ends) {
    const told = Promise.withResolvers<Progress>();
    const target = await serve(t, async (answer, outgoing) => {
      answer.onProgress({ bytes: 5, blocks: 1 });
      await told.promise;
      end(answer, outgoing);
    });
    await expect(callApi(target, 'POST', '/', {}, { onProgress: told.resolve }));
    assert.deepEqual(await told.promise, { bytes: 5, blocks: 1 });
  }
});

test('whoever goes away ends the work', async (t) => {
  const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<unknown>()];
  const target = await serve(t, async ({ signal }) => {
    signal.addEventListener('abort', () => ended.resolve(signal.reason), { once: true });
    begun.resolve();
  });
  const controller = new AbortController();
  const calling = callApi(target, 'POST', '/', {}, { signal: controller.signal });
  calling.catch(() => {});
  await begun.promise;
  controller.abort(new Error('enough'));
  await assert.rejects(calling, /enough/);
  assert.equal((await ended.promise as ApiError).code, 'CLIENT_GONE');
});
