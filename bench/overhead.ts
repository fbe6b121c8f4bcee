import type { Benchmark } from './benchmark.ts';
import { quantile, table } from './statistics.ts';
import { withNetwork } from './with-network.ts';

const WARM_UP = 3;
const RUNS = 20;

/** Submit to settled, one job at a time: `true` in a container, and nothing at all in the noop engine. */
export const overhead: Benchmark = (say) => withNetwork(async ({ client }) => {
  const measured: Record<string, { p50Ms: number; p95Ms: number; runs: number; stagesMs: Record<string, number> }> = {};
  for (const engine of ['container', 'noop'] as const) {
    const times: number[] = [];
    const stages: Record<string, number[]> = {};
    for (let i = 0; i < WARM_UP + RUNS; i++) {
      const started = performance.now();
      const record = await client.submit({ command: ['true'], engine });
      const state = await client.wait(record);
      if (state.state !== 'Settled' || state.verdicts.some((verdict) => verdict !== 'agreed')) throw new Error(`run ${i} on ${engine} ended ${state.state}`);
      if (i < WARM_UP) continue;
      times.push(performance.now() - started);
      for (const [stage, ms] of Object.entries(record.timingsMs)) (stages[stage] ??= []).push(ms);
    }
    measured[engine] = {
      p50Ms: Math.round(quantile(times, 0.5)), p95Ms: Math.round(quantile(times, 0.95)), runs: RUNS,
      stagesMs: Object.fromEntries(Object.entries(stages).map(([stage, values]) => [stage, quantile(values, 0.5)])),
    };
  }
  say(table(['engine', 'p50 ms', 'p95 ms', 'runs'], Object.entries(measured).map(([engine, { p50Ms, p95Ms, runs }]) => [engine, p50Ms, p95Ms, runs])));
  say(`stages at p50, ms since submit (container): ${Object.entries(measured.container!.stagesMs).map(([stage, ms]) => `${stage} ${ms}`).join(', ')}`);
  const { p50Ms, p95Ms } = measured.container!;
  return { p50Ms, p95Ms, goalP50Ms: 1000, engines: measured };
});
