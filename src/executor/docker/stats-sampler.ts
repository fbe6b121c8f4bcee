import { setTimeout as delay } from 'node:timers/promises';
import type { ChannelName } from '../../protocol/index.ts';
import { MAX_SAMPLES } from '../constants.ts';
import type { Sample } from '../engine.ts';
import type { Sampling } from '../sampler/sampler-protocol.ts';
import { glances } from '../sampler/glances.ts';
import { Series } from '../sampler/series.ts';
import { MIN_STATS_INTERVAL_MS } from './constants.ts';
import type { DockerClient } from './docker-client.ts';

/** What Docker tells of a container: less, and less often, than this machine's own control groups. */
export const STATS_CHANNELS: ChannelName[] = ['cpuUserNs', 'cpuSystemNs', 'cpuNs', 'residentBytes', 'cacheBytes', 'processes'];

interface Stats {
  cpu_stats: { cpu_usage: { total_usage: number; usage_in_usermode: number; usage_in_kernelmode: number } };
  memory_stats: { stats?: { anon?: number; file?: number; rss?: number; cache?: number } };
  pids_stats: { current?: number };
}

/** A sampler for containers whose processes are not on this machine, as `startSampler` is for those that are. */
export async function startStatsSampler(client: DockerClient, id: string, { intervalMs, onSample }: { intervalMs: number; onSample?: ((sample: Sample) => void) | undefined }): Promise<{ go(): void; logged(bytes: number): void; stop(): Promise<Sampling> }> {
  const series = new Series({ names: STATS_CHANNELS, intervalMs: Math.max(intervalMs, MIN_STATS_INTERVAL_MS), limit: MAX_SAMPLES });
  const glance = glances(series, onSample);
  const read = async (): Promise<Float64Array> => {
    const { cpu_stats: { cpu_usage: cpu }, memory_stats: { stats: memory = {} }, pids_stats: pids } = await client.call<Stats>('GET', `/containers/${id}/stats?stream=false&one-shot=true`);
    return Float64Array.of(cpu.usage_in_usermode, cpu.usage_in_kernelmode, cpu.total_usage, memory.anon ?? memory.rss ?? 0, memory.file ?? memory.cache ?? 0, Math.max(0, (pids.current ?? 1) - 1));
  };
  const first = await read();
  const stopping = new AbortController();
  let startedAt = 0;
  let late: number[] = [];
  let taking: Promise<void> = Promise.resolve();
  const take = async () => {
    for (let due = startedAt + series.intervalMs; ; due = Math.max(due + series.intervalMs, performance.now())) {
      await delay(Math.max(0, due - performance.now()), undefined, { signal: stopping.signal });
      const t = performance.now();
      const values = await read();
      series.push(t - startedAt, values);
      glance(t - startedAt);
      late.push(t - due);
    }
  };
  return {
    go() {
      startedAt = performance.now();
      series.start(first);
      // An answer that does not come costs the samples after it; the last one is asked for in any case.
      taking = take().catch(() => undefined);
    },
    logged: () => undefined,
    async stop() {
      const endedAt = performance.now();
      stopping.abort();
      await taking;
      series.push(endedAt - startedAt, await read());
      const samples = series.length;
      late = late.sort((a, b) => a - b);
      const { intervalMs: kept } = series;
      const lost = Math.max(0, Math.floor((endedAt - startedAt) / kept) - (samples - 2));
      return { intervalMs: kept, ...series.take(), stats: { cpuNs: 0, samples, lost, jitterP99Ms: late[Math.floor(late.length * 0.99)] ?? 0 } };
    },
  };
}
