import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { openControl } from './control.ts';

test('speaks the protocol, whatever the pieces it comes in', async () => {
  const socket = new PassThrough();
  const control = openControl(socket);
  for (const piece of ['noi', 'se\nrea', 'dy\n', 'exit 9999\nexit x\nexit 1', '37\nexit 0\n']) socket.emit('data', piece);
  await control.ready;
  assert.equal(await control.exited, 137);
});

test('bears endless noise and a broken socket', async () => {
  const socket = new PassThrough();
  const control = openControl(socket);
  for (let i = 0; i < 1000; i++) socket.emit('data', 'x'.repeat(1000));
  socket.emit('error', new Error('EPIPE'));
  socket.emit('data', '\nexit 3\n');
  assert.equal(await control.exited, 3);
});
