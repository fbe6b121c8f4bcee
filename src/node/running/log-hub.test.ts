import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOG_HISTORY_BYTES } from '../constants.ts';
import { LogHub } from './log-hub.ts';

const text = (data: Uint8Array) => new TextDecoder().decode(data);
const collect = async (hub: LogHub, signal = new AbortController().signal) => {
  const parts: string[] = [];
  for await (const { data } of hub.follow(signal)) parts.push(text(data));
  return parts.join('');
};

test('early and late followers read the same log to its end', async () => {
  const hub = new LogHub();
  const early = collect(hub);
  hub.write('stdout', new TextEncoder().encode('one '));
  await new Promise(setImmediate);
  hub.write('stdout', new TextEncoder().encode('two'));
  const late = collect(hub);
  hub.end();
  assert.equal(await early, 'one two');
  assert.equal(await late, 'one two');
});

test('keeps the latest part only, and a follower that leaves ends', async () => {
  const hub = new LogHub();
  for (let i = 0; i < 5; i++) hub.write('stdout', new Uint8Array(LOG_HISTORY_BYTES / 2).fill(65 + i));
  const controller = new AbortController();
  const parts = collect(hub, controller.signal);
  await new Promise(setImmediate);
  controller.abort();
  assert.deepEqual([...new Set(await parts)], ['D', 'E']);
});
