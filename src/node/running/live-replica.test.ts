import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Sample } from '../../executor/index.ts';
import { LIVE_SAMPLES } from '../constants.ts';
import { LiveReplica } from './live-replica.ts';

const sample = (t: number, cpuNs = t * 1e6): Sample => ({ t, channels: { cpuNs, residentBytes: 1e6, readBytes: 5 } });

describe('a replica as it is seen while it runs', () => {
  it('shows its run from the start mark to the newest sample', () => {
    const live = new LiveReplica();
    assert.deepEqual([live.stage, live.runs.length], ['waiting', 0]);
    live.enter('running');
    const { onStart, onSample } = live.watch();
    const [run] = live.runs;
    assert.deepEqual([live.stage, run!.startedAt, run!.trace('container').t.length], ['running', undefined, 0]);
    onStart();
    for (const t of [500, 1000]) onSample(sample(t));
    const { t, channels } = run!.trace('container');
    assert.deepEqual([[...t], [...channels.cpuNs!], [...channels.residentBytes!]], [[0, 500, 1000], [0, 5e8, 1e9], [1e6, 1e6, 1e6]]);
    assert.equal(channels.readBytes, undefined);
    assert.equal(run!.last!.channels.readBytes, 5);
    // The run is made again.
    onStart();
    assert.equal(run!.trace('container').t.length, 0);
  });

  it('holds no more samples of a long run than of a short one, evenly along it', () => fc.assert(fc.property(
    fc.integer({ min: 1, max: 20 * LIVE_SAMPLES }), fc.integer({ min: 1, max: 400 }), (count, jitter) => {
      const live = new LiveReplica();
      const { onStart, onSample } = live.watch();
      onStart();
      for (let i = 1; i <= count; i++) onSample(sample(500 * i + ((i * 7919) % jitter)));
      const { t } = live.runs[0]!.trace('container');
      assert.ok(t.length <= LIVE_SAMPLES + 2, `${t.length} of ${count}`);
      assert.ok(t.length >= Math.min(count, LIVE_SAMPLES / 3), `${t.length} of ${count}`);
      assert.equal(t.at(-1), 500 * count + ((count * 7919) % jitter));
      const gaps = t.slice(1).map((at, i) => at - t[i]!);
      assert.ok(gaps.every((gap) => gap > 0 && gap <= Math.max(2 * (500 + jitter), (6 * t.at(-1)!) / LIVE_SAMPLES)), `${Math.max(...gaps)} ms apart in ${t.at(-1)}`);
    },
  ), { numRuns: 200 }));

  it('draws nothing that an engine does not see', () => {
    const live = new LiveReplica();
    const { onStart, onSample } = live.watch();
    onStart();
    onSample({ t: 500, channels: { residentBytes: 3 } });
    assert.deepEqual(Object.keys(live.runs[0]!.trace('wasm').channels), ['residentBytes']);
  });

  it('has of shards those that run now', () => {
    const live = new LiveReplica();
    for (const shard of [0, 1, 2]) live.watch(shard).onStart();
    live.ended({ shard: 1, done: 1, of: 9 });
    assert.deepEqual([live.runs.map(({ shard }) => shard), live.shards], [[0, 2], { done: 1, of: 9 }]);
    // Once more, after the machine had no room for it.
    live.watch(2);
    assert.equal(live.runs.length, 2);
  });
});
