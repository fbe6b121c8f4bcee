import type { Benchmark } from './main.ts';
import { table } from './statistics.ts';
import { withNetwork } from './with-network.ts';

/** Jobs kept waiting, and jobs run at that depth. */
const DEPTHS = [[1, 20], [10, 60], [100, 200]] as const;

/** Jobs a second of the noop engine, every one on three nodes and settled on chain, with a number of them always under way. */
export const throughput: Benchmark = (say) => withNetwork(async ({ client }) => {
  const rows: { waiting: number; jobs: number; jobsPerSecond: number }[] = [];
  for (const [waiting, jobs] of DEPTHS) {
    let next = 0;
    const started = performance.now();
    await Promise.all(Array.from({ length: waiting }, async () => {
      while (next < jobs) {
        next++;
        const state = await client.wait(await client.submit({ command: ['true'], engine: 'noop' }));
        if (state.state !== 'Settled') throw new Error(`a job ended ${state.state}`);
      }
    }));
    rows.push({ waiting, jobs, jobsPerSecond: Number((jobs / ((performance.now() - started) / 1000)).toFixed(2)) });
    say(`${waiting} waiting: ${rows.at(-1)!.jobsPerSecond} jobs/s`);
  }
  say(table(['waiting', 'jobs', 'jobs/s'], rows.map((row) => [row.waiting, row.jobs, row.jobsPerSecond])));
  return { rows, best: Math.max(...rows.map((row) => row.jobsPerSecond)), goal: 10 };
});
