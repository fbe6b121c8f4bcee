/** Distance of two loops, ms: a fiftieth of a core. */
const PAUSE_MS = 50;
/** Steps of a loop: about a millisecond. */
const STEPS = 150_000;
/** Words that the loop touches, 1 MiB: it feels who else uses the caches, as programs do. */
const table = new Int32Array(1 << 18);

/** A fixed piece of work, done again and again beside a run. */
export interface LoopMeasure {
  /** @returns CPU time of one loop, ns, median over the run: how slow the machine's cores are at the moment */
  stop(): number;
}

/** How fast a core is while others use the machine: the CPU time, not the wall time, of a fixed loop in this thread. */
export function measureLoop(): LoopMeasure {
  const times: number[] = [timeOfLoop()];
  const timer = setInterval(() => times.push(timeOfLoop()), PAUSE_MS);
  return {
    stop() {
      clearInterval(timer);
      times.push(timeOfLoop());
      return times.sort((a, b) => a - b)[times.length >> 1]!;
    },
  };
}

function timeOfLoop(): number {
  const before = process.threadCpuUsage();
  let x = 1;
  for (let i = 0; i < STEPS; i++) {
    x = Math.imul(x, 0x5851_f42d) + 0x1405_7b7f | 0;
    table[x >>> 14]! += x;
  }
  // Kernels that account by ticks know the sum exactly and split it by guess.
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) * 1000;
}
