import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseJobSpec, type Trace } from '../../protocol/index.ts';
import type { RunRequest, RunResult } from '../../executor/index.ts';
import { isPoorlySeen, runWatched, sampledShare } from './run-watched.ts';

const trace: Trace = { version: 1, engine: 'container', intervalMs: 20, t: Float64Array.of(0, 20), channels: {} };

/** An engine whose runs lose so many of 100 samples, one after the other; or fail. */
function engineOf(...losses: (number | Error)[]) {
  const runs: RunRequest[] = [];
  const released: string[] = [];
  return {
    runs, released,
    async run(request: RunRequest): Promise<RunResult> {
      const lost = losses[runs.push(request) - 1]!;
      if (lost instanceof Error) throw lost;
      return {
        exitCode: 0, ended: 'exit', trace, outputs: [], stdoutPath: '', stderrPath: '', notes: [],
        environment: { engine: 'container', runtime: '', kernel: '', cpu: '', cores: 1, cgroup: '', gadus: '' },
        sampling: { cpuNs: 0, samples: 100 - lost, lost, jitterP99Ms: 0 },
        release: async () => void released.push(request.id),
      };
    },
  };
}

const request = (spec: object = {}, signal?: AbortSignal): RunRequest => ({
  id: 'run', spec: parseJobSpec({ command: ['true'], ...spec }), rootfs: '', inputs: [], sampleIntervalMs: 20, ...(signal === undefined ? {} : { signal }),
});
const soon = () => ({ againUntil: Date.now() + 60_000 });

describe('a watched run', () => {
  it('is run once where it was seen', async () => {
    const engine = engineOf(49);
    assert.equal((await runWatched(engine, request(), soon())).sampling.lost, 49);
    assert.deepEqual([engine.runs.length, engine.released], [1, []]);
  });

  it('is run again where most of it was missed, under a name of its own, and the better one is kept', async () => {
    const why: string[] = [];
    for (const [losses, kept, others] of [[[90, 10], 10, ['run']], [[80, 95, 20], 20, ['run-again1', 'run']], [[80, 95, 90], 80, ['run-again1', 'run-again2']]] as const) {
      const engine = engineOf(...losses);
      assert.equal((await runWatched(engine, request(), { ...soon(), onAgain: (reason) => void why.push(reason) })).sampling.lost, kept);
      assert.deepEqual([engine.runs.map(({ id }) => id), engine.released], [['run', 'run-again1', 'run-again2'].slice(0, losses.length), others]);
    }
    assert.deepEqual(why.slice(0, 2), ['the sampler got 10 of 100 samples: running again', 'the sampler got 20 of 100 samples: running again']);
  });

  it('is not run again when there is no time, when it has a network, or when its trace has every turn without samples', async () => {
    for (const init of [{}, { againUntil: Date.now() - 1 }]) {
      const engine = engineOf(90);
      await runWatched(engine, request(), init);
      assert.equal(engine.runs.length, 1);
    }
    const connected = engineOf(90);
    await runWatched(connected, request({ engine: 'container', network: { allow: ['example.org:443'] } }), soon());
    assert.equal(connected.runs.length, 1);
    const counted = { ...trace, channels: { instructions: Float64Array.of(0, 1) } };
    assert.equal(sampledShare({ trace: counted, sampling: { cpuNs: 0, samples: 2, lost: 98, jitterP99Ms: 0 } }), 1);
  });

  it('that was short counts as missed only where something went on that nobody saw', () => {
    const sampling = { cpuNs: 0, samples: 2, lost: 1, missed: 14, jitterP99Ms: 0 };
    const short = (bytes: number) => ({ sampling, trace: { ...trace, t: Float64Array.of(0, 60), channels: { cpuNs: Float64Array.of(0, 5e7), readBytes: Float64Array.of(0, bytes), writtenBytes: Float64Array.of(0, bytes) } } });
    assert.equal(isPoorlySeen(short(1e6)), true);
    assert.equal(isPoorlySeen({ ...short(1e6), sampling: { ...sampling, samples: 15, lost: 0, missed: 2 } }), false);
    assert.equal(isPoorlySeen({ sampling, trace: { ...trace, channels: { cpuNs: Float64Array.of(0, 1e6), readBytes: Float64Array.of(0, 3000) } } }), false);
  });

  it('falls back on the first run when the second fails or comes too late, and releases it when all is aborted', async () => {
    const failing = engineOf(90, new Error('no room'));
    assert.equal((await runWatched(failing, request(), soon())).sampling.lost, 90);
    assert.deepEqual(failing.released, []);

    const aborting = new AbortController();
    const aborted = engineOf(90, new Error('aborted'));
    await assert.rejects(runWatched(aborted, request({}, aborting.signal), { ...soon(), onAgain: () => aborting.abort() }), /aborted/);
    assert.deepEqual(aborted.released, ['run']);

    // The second run's own signal ends it in time.
    let limit: AbortSignal | undefined;
    const slow = engineOf(90, new Error('late'));
    const run = slow.run.bind(slow);
    slow.run = async (asked) => {
      if (slow.runs.length === 0) return run(asked);
      limit = asked.signal;
      await new Promise((resolve) => { limit!.addEventListener('abort', resolve, { once: true }); });
      return run(asked);
    };
    // The signal's timer alone keeps no process alive.
    const awake = setInterval(() => undefined, 1000);
    try {
      assert.equal((await runWatched(slow, request(), { againUntil: Date.now() + 200 })).sampling.lost, 90);
    } finally {
      clearInterval(awake);
    }
    assert.equal(limit?.aborted, true);
  });
});
