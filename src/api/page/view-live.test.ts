import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveReplica } from '../../node/index.ts';
import { encodeSpec, parseJobSpec } from '../../protocol/index.ts';
import { renderLive } from './render-live.ts';
import { viewLive } from './view-live.ts';

const specOf = (input: object) => new TextDecoder().decode(encodeSpec(parseJobSpec({ engine: 'container', image: 'bafkqaaa', command: ['sort', '-n'], ...input })));

test('shows a job by its name or command, how far it is, and a curve for what its engine sees', () => {
  const live = new LiveReplica();
  const records = new Map([['0xab', { spec: specOf({ resources: { memoryBytes: '64MiB', timeoutMs: '1m' } }) }]]);
  const now = Date.now();
  const page = () => renderLive(viewLive(new Map([['0xab', live], ['0xcd', new LiveReplica()]]), records), now + 5_000);
  assert.match(page(), /sort -n.*waits for room.*for \d s/);
  live.enter('running');
  const { onStart, onSample } = live.watch();
  assert.match(page(), /its engine starts/);
  onStart();
  onSample({ t: 2000, channels: { cpuNs: 1.5e9, residentBytes: 2 ** 20, processes: 3 } });
  assert.match(page(), /of 1 min at most · 1\.5 s of CPU time.*1\.00 MiB of 64\.0 MiB memory · 3 processes/);
  assert.equal([...page().matchAll(/<svg/g)].length, 2);
  assert.equal([...page().matchAll(/class="job"/g)].length, 1, 'a job without a record is not shown');
});

test('shows how many shards are done, and the first few of many that run', () => {
  const live = new LiveReplica();
  live.enter('running');
  for (let shard = 0; shard < 9; shard++) live.watch(shard).onStart();
  live.ended({ shard: 0, done: 1, of: 100 });
  const page = renderLive(viewLive(new Map([['0xab', live]]), new Map([['0xab', { spec: specOf({ name: 'many', shards: { by: 'count', count: 100 } }) }]])), Date.now());
  assert.match(page, /many.*1 of 100 shards are done.*<progress max="100" value="1">/);
  assert.deepEqual([[...page.matchAll(/shard (\d+)/g)].map(([, shard]) => shard), /and (\d+) more runs/.exec(page)![1]], [['1', '2', '3', '4'], '4']);
});
