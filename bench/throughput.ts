import type { Benchmark } from './benchmark.ts';
import { cpuSeconds } from './cpu-seconds.ts';
import { table } from './statistics.ts';
import { withNetwork } from './with-network.ts';

/** Jobs kept waiting, and jobs run at that depth. */
const DEPTHS = [[1, 20], [10, 60], [100, 200]] as const;
/** Jobs run before the first is counted: connections are made, code is compiled. */
const WARM_UP = 5;

/** CPU seconds a job costs each party. */
interface Cost { client: number; nodes: number; chain: number }
interface Row { waiting: number; jobs: number; jobsPerSecond: number; cpuMsPerJob: Cost }

/**
 * Jobs a second of the noop engine, every one on three nodes and settled on chain, with a number of them always under way; and what a job
 * costs in CPU time, which another load of the machine changes little. GADUS_BENCH_DEPTHS=10 measures some of the depths only.
 */
export const throughput: Benchmark = (say) => withNetwork(async ({ client }, { nodes, anvil }) => {
  const only = process.env.GADUS_BENCH_DEPTHS?.split(',').map(Number);
  const pids: Record<keyof Cost, number[]> = { client: [process.pid], nodes: nodes.map((node) => node.process.pid!), chain: [anvil.pid] };
  const spent = (): Cost => ({ client: cpuSeconds(pids.client), nodes: cpuSeconds(pids.nodes), chain: cpuSeconds(pids.chain) });
  const runOne = async () => {
    const state = await client.wait(await client.submit({ command: ['true'], engine: 'noop' }));
    if (state.state !== 'Settled') throw new Error(`a job ended ${state.state}`);
  };
  for (let i = 0; i < WARM_UP; i++) await runOne();

  const rows: Row[] = [];
  for (const [waiting, jobs] of DEPTHS) {
    if (only !== undefined && !only.includes(waiting)) continue;
    let next = 0;
    const before = spent();
    const started = performance.now();
    await Promise.all(Array.from({ length: waiting }, async () => { while (next++ < jobs) await runOne(); }));
    const seconds = (performance.now() - started) / 1000;
    const after = spent();
    const perJob = (party: keyof Cost) => Math.round(((after[party] - before[party]) / jobs) * 1000);
    rows.push({ waiting, jobs, jobsPerSecond: Number((jobs / seconds).toFixed(2)), cpuMsPerJob: { client: perJob('client'), nodes: perJob('nodes'), chain: perJob('chain') } });
    say(`${waiting} waiting: ${rows.at(-1)!.jobsPerSecond} jobs/s`);
  }
  say(table(['waiting', 'jobs', 'jobs/s', 'CPU ms a job: client', '3 nodes', 'chain'],
    rows.map(({ waiting, jobs, jobsPerSecond, cpuMsPerJob: { client: own, nodes: theirs, chain } }) => [waiting, jobs, jobsPerSecond, own, theirs, chain])));
  return { rows, best: Math.max(...rows.map((row) => row.jobsPerSecond)), goal: 10 };
});
