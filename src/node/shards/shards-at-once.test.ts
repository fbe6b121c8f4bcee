import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJobSpec } from '../../protocol/index.ts';
import { longestRunMs, shardsAtOnce } from './shards-at-once.ts';

const offer = { cpus: 4, memoryBytes: 4 * 2 ** 30, diskBytes: 100 * 2 ** 30 };
const spec = (resources: object) => parseJobSpec({ command: ['x'], resources: { timeoutMs: 1000, ...resources }, shards: { by: 'count', count: 10 } });

test('the scarcest resource says how many, and there is always room for one', () => {
  assert.equal(shardsAtOnce(spec({ cpus: 1, memoryBytes: '512MiB' }), offer), 4);
  assert.equal(shardsAtOnce(spec({ cpus: 0.1, memoryBytes: '64MiB' }), offer), 40);
  assert.equal(shardsAtOnce(spec({ cpus: 1, memoryBytes: '3GiB' }), offer), 1);
  assert.equal(shardsAtOnce(spec({ cpus: 64 }), offer), 1);
});

test('the longest run is that of the shards, so many at a time', () => {
  assert.equal(longestRunMs(spec({}), 10, offer), 3000);
  assert.equal(longestRunMs(parseJobSpec({ command: ['x'] }), 1, offer), 600_000);
});
