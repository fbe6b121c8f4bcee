import type { Benchmark } from './benchmark.ts';
import { quantile, table } from './statistics.ts';
import { withNetwork } from './with-network.ts';

/** How long jobs are run one after the other, and which take too long. */
const SECONDS = Number(process.env.SLOW_JOBS_SECONDS ?? 120);
const SLOW_MS = Number(process.env.SLOW_JOBS_MS ?? 5_000);
/** `noop` runs several times as many jobs, of which none runs anything. */
const ENGINE = process.env.SLOW_JOBS_ENGINE === 'noop' ? 'noop' : 'container';
const WARM_UP = 3;
/** Of the nodes' log, those of the job and those just before it ended. */
const LAST_LINES = 40;

/**
 * Jobs of `true` until the time is up; of any that takes longer than it may, what client and nodes said and when. For a delay that shows once in hundreds of
 * jobs: on a machine with other work, and again and again.
 */
export const slowJobs: Benchmark = (say) => {
  const said: string[] = [];
  return withNetwork(async ({ client }) => {
    const times: number[] = [];
    const slow: { job: string; ms: number; lines: string[] }[] = [];
    const until = performance.now() + SECONDS * 1000;
    for (let i = 0; i < WARM_UP || performance.now() < until; i++) {
      const started = performance.now();
      const at = () => `${String(Math.round(performance.now() - started)).padStart(6)} ms`;
      const lines: string[] = [];
      const from = said.length;
      const record = await client.submit({ command: ['true'], engine: ENGINE }, {
        onProgress: (progress) => { lines.push(`${at()} client ${JSON.stringify(progress, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`); },
      });
      const { state } = await client.wait(record);
      const ms = performance.now() - started;
      if (state !== 'Settled') throw new Error(`job ${i} ended ${state}`);
      if (i < WARM_UP) continue;
      times.push(ms);
      if (ms < SLOW_MS) continue;
      lines.push(`stages, ms since submit: ${Object.entries(record.timingsMs).map(([stage, took]) => `${stage} ${took}`).join(', ')}`, ...said.slice(from).slice(-LAST_LINES));
      slow.push({ job: record.jobId, ms: Math.round(ms), lines });
      say(`job ${i} took ${Math.round(ms)} ms\n  ${lines.join('\n  ')}`);
    }
    const [p50, p99] = [0.5, 0.99].map((q) => Math.round(quantile(times, q)));
    say(table(['engine', 'jobs', 'p50 ms', 'p99 ms', 'longest ms', `above ${SLOW_MS} ms`], [[ENGINE, times.length, p50!, p99!, Math.round(Math.max(...times)), slow.length]]));
    return { engine: ENGINE, jobs: times.length, p50Ms: p50, p99Ms: p99, longestMs: Math.round(Math.max(...times)), slow };
  }, (index, line) => { said.push(`${new Date().toISOString()} node ${index} ${JSON.stringify(line)}`); });
};
