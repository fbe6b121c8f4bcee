import type { RunningClient } from '../src/client/index.ts';
import type { JobSpecInput } from '../src/protocol/index.ts';
import type { Benchmark } from './main.ts';
import { table } from './statistics.ts';
import { withNetwork } from './with-network.ts';

/** Nothing run shows what a shard costs around the run; `true` in a container is the shortest real one, 0.1 s of a core and more on each node. */
const KINDS: { name: string; spec: JobSpecInput; counts: number[] }[] = [
  { name: 'noop', spec: { engine: 'noop', command: ['true'] }, counts: [1, 10, 100, 1000] },
  { name: 'container true', spec: { engine: 'container', command: ['true'], resources: { memoryBytes: '64MiB', diskBytes: '16MiB' } }, counts: [1, 10, 100] },
];

interface Measured { kind: string; shards: number; wallMs: number; perShardMs: number; ranMs: number; gas: number; gasPerShard: number; messages: number; stagesMs: Record<string, number> }

/** One job of n shards, three replicas: gas from the receipts, wall time from submit to settled. */
export const shards: Benchmark = (say) => withNetwork(async ({ client }) => {
  // The first job of all warms up connections, image and disks.
  for (const { spec } of KINDS) await job(client, spec, 1);
  const measured: Measured[] = [];
  for (const { name, spec, counts } of KINDS) {
    for (const count of counts) {
      const started = performance.now();
      const { gas, timingsMs } = await job(client, spec, count);
      const wallMs = Math.round(performance.now() - started);
      const total = Object.values(gas).reduce((sum, used) => sum + used, 0);
      // From the draw until the last commitment closed the set: the runs themselves.
      const ranMs = (timingsMs.closed ?? 0) - (timingsMs.assign ?? 0);
      measured.push({
        kind: name, shards: count, wallMs, perShardMs: wallMs / count, ranMs, gas: total, gasPerShard: Math.round(total / count), messages: Object.keys(gas).length, stagesMs: timingsMs,
      });
    }
  }
  const n = (value: number) => value.toLocaleString('en');
  say(table(['kind', 'shards', 'gas', 'gas a shard', 'messages', 'wall ms', 'of it runs', 'ms a shard'], measured.map(({ kind, shards: count, gas, gasPerShard, messages, wallMs, ranMs, perShardMs }) => (
    [kind, n(count), n(gas), n(gasPerShard), String(messages), n(wallMs), n(ranMs), perShardMs.toFixed(1)]))));
  say('k = 3 on one machine: every shard is run three times here');
  return { measured };
});

async function job(client: RunningClient['client'], spec: JobSpecInput, count: number): Promise<Awaited<ReturnType<typeof client.submit>>> {
  const record = await client.submit({ ...spec, shards: { by: 'count', count } });
  const state = await client.wait(record);
  if (state.state !== 'Settled' || state.verdicts.some((verdict) => verdict !== 'agreed')) {
    throw new Error(`${count} shards on ${spec.engine} ended ${state.state}: ${record.findings?.map(({ reason }) => reason).join('; ')}`);
  }
  return record;
}
