import { setTimeout as delay } from 'node:timers/promises';

/** Distance of two loops, ms: well below a hundredth of a core. */
const PAUSE_MS = 25;
/** Steps of a loop: about a tenth of a millisecond, so that most loops are not interrupted. */
const STEPS = 40_000;
/** Words that the loop touches, 1 MiB: it feels who else uses the caches, as programs do. */
const table = new Int32Array(1 << 18);

/** A fixed piece of work, done again and again beside a run. */
export interface LoopMeasure {
  /** @returns time of one loop, ns, the lower quartile over the run: how slow the machine's cores are at the moment */
  stop(): Promise<number>;
}

/** How fast a core is while others use the machine: the time of a fixed loop in this thread that was not interrupted. A thread's CPU time would be the better clock, but Linux moves it on by ticks. */
export function measureLoop(): LoopMeasure {
  const stopping = new AbortController();
  const times: number[] = [];
  const measuring = (async () => {
    for (;;) {
      times.push(timeOfLoop());
      await delay(PAUSE_MS, undefined, { signal: stopping.signal });
    }
  })().catch(() => {});
  return {
    async stop() {
      stopping.abort();
      await measuring;
      return times.sort((a, b) => a - b)[times.length >> 2]!;
    },
  };
}

function timeOfLoop(): number {
  const before = performance.now();
  let x = 1;
  for (let i = 0; i < STEPS; i++) {
    x = Math.imul(x, 0x5851_f42d) + 0x1405_7b7f | 0;
    table[x >>> 14]! += x;
  }
  return (performance.now() - before) * 1e6;
}
