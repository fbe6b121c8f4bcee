import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { afterSilence } from './after-silence.ts';
import { mockTime } from './mock-time.test-util.ts';

test('a wait that is ended in time comes to nothing, also at the very last; another one comes', (t) => {
  const pass = mockTime(t);
  let silent = 0;
  const waits = [1, 2, 3].map(() => afterSilence(1000, () => { silent++; }));
  pass(999);
  waits[0]!();
  pass(1);
  waits[1]!();
  pass(1000);
  assert.equal(silent, 1);
  waits[2]!();
});

test('what came while this process stood still is read before it is called silence', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => { server.close(); });
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  t.after(() => { socket.destroy(); });
  await once(socket, 'connect');
  const [other] = await accepted;
  t.after(() => { other.destroy(); });
  const outcome = Promise.withResolvers<string>();
  const end = afterSilence(20, () => outcome.resolve('silence'));
  socket.once('data', () => { end(); outcome.resolve('answer'); });
  // In the socket at once.
  other.write('here');
  for (const until = performance.now() + 60; performance.now() < until;);
  assert.equal(await outcome.promise, 'answer');
});
