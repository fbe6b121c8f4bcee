import type { RunningClient } from '../src/client/index.ts';
import type { JobSpecInput } from '../src/protocol/index.ts';
import type { Benchmark } from './benchmark.ts';
import { table } from './statistics.ts';
import { withNetwork } from './with-network.ts';

/** Nothing run shows what a shard costs around the run; `true` in a container is the shortest real one; sorting is work that may look different on two honest nodes. */
const KINDS: { name: string; spec: JobSpecInput; counts: number[] }[] = [
  { name: 'noop', spec: { engine: 'noop', command: ['true'] }, counts: [1, 10, 100, 1000] },
  { name: 'container true', spec: { engine: 'container', command: ['true'], resources: { memoryBytes: '64MiB', diskBytes: '16MiB' } }, counts: [1, 10, 100] },
  {
    name: 'container sort', counts: [60],
    spec: { engine: 'container', command: ['sh', '-c', 'seq $((GADUS_SHARD * 1000)) $((GADUS_SHARD * 1000 + 30000)) > list; sort -r list > /outputs/list'], resources: { memoryBytes: '64MiB', diskBytes: '32MiB' } },
  },
];

interface Measured { kind: string; shards: number; wallMs: number; perShardMs: number; ranMs: number; gas: number; gasPerShard: number; messages: number; toldApart: number; stagesMs: Record<string, number> }

/** One job of n shards, three replicas: gas from the receipts, wall time from submit to settled. */
export const shards: Benchmark = (say) => withNetwork(async ({ client }) => {
  // The first job of all warms up connections, image and disks.
  for (const { spec } of KINDS) await job(client, spec, 1);
  const measured: Measured[] = [];
  for (const { name, spec, counts } of KINDS) {
    for (const count of counts) {
      const started = performance.now();
      const { gas, timingsMs, findings = [] } = await job(client, spec, count);
      const wallMs = Math.round(performance.now() - started);
      const total = Object.values(gas).reduce((sum, used) => sum + used, 0);
      // From the draw until the last commitment closed the set: the runs themselves.
      const ranMs = (timingsMs.closed ?? 0) - (timingsMs.assign ?? 0);
      measured.push({
        kind: name, shards: count, wallMs, perShardMs: wallMs / count, ranMs, gas: total, gasPerShard: Math.round(total / count), messages: Object.keys(gas).length, stagesMs: timingsMs,
        toldApart: findings.reduce((sum, { shards: one }) => sum + (one?.toldCount ?? 0) + (one?.undecided ?? 0), 0),
      });
    }
  }
  const n = (value: number) => value.toLocaleString('en');
  say(table(['kind', 'shards', 'gas', 'gas a shard', 'messages', 'wall ms', 'of it runs', 'ms a shard', 'told apart'], measured.map(({ kind, shards: count, gas, gasPerShard, messages, wallMs, ranMs, perShardMs, toldApart }) => (
    [kind, n(count), n(gas), n(gasPerShard), String(messages), n(wallMs), n(ranMs), perShardMs.toFixed(1), String(toldApart)]))));
  say('k = 3 on one machine: every shard is run three times here; told apart: shards of honest seats that were, or had no majority');
  return { measured };
});

async function job(client: RunningClient['client'], spec: JobSpecInput, count: number): Promise<Awaited<ReturnType<typeof client.submit>>> {
  const record = await client.submit({ ...spec, shards: { by: 'count', count } });
  const state = await client.wait(record);
  if (state.state !== 'Settled') {
    throw new Error(`${count} shards on ${spec.engine} ended ${state.state}: ${record.findings?.map(({ reason }) => reason).join('; ')}`);
  }
  return record;
}
