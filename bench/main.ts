import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { messageOf } from '../src/protocol/index.ts';
import type { Benchmark } from './benchmark.ts';

/** Loaded when run, so that one benchmark needs no more than its own parts. */
const BENCHMARKS: Record<string, { load: () => Promise<Benchmark>; about: string }> = {
  overhead: { load: async () => (await import('./overhead.ts')).overhead, about: 'submit to settled for a job that does nothing, 3 nodes' },
  'slow-jobs': { load: async () => (await import('./slow-jobs.ts')).slowJobs, about: '`true` on 3 nodes again and again: what client and nodes said of any job that took longer than 5 s' },
  throughput: { load: async () => (await import('./throughput.ts')).throughput, about: 'jobs a second that run nothing, 3 nodes, with 1, 10 and 100 waiting' },
  gas: { load: async () => (await import('./gas.ts')).gas, about: 'gas of each call and of the whole life for k = 1, 3, 7, single and batched' },
  sampler: { load: async () => (await import('./sampler.ts')).sampler, about: 'the sampler\'s CPU share, jitter and lost samples at 20 ms, both cores busy' },
  'input-start': { load: async () => (await import('./input-start.ts')).inputStart, about: 'start of a job on 10 MB against 10 GB of data referenced where it lies' },
  transfer: { load: async () => (await import('./transfer.ts')).transfer, about: '1 GiB between two nodes, or to several at once, by CAR stream, bitswap and gateway: MB/s, peak memory' },
  'many-files': { load: async () => (await import('./many-files.ts')).manyFiles, about: '100,000 small files: referenced, copied, unpacked; folders and one sharded directory' },
  sealing: { load: async () => (await import('./sealing.ts')).sealing, about: 'a result of 1 GiB published and unpacked, in the clear and encrypted to its client' },
  images: { load: async () => (await import('./images.ts')).images, about: 'an image of 100 MB unpacked, by umoci beside it, and pulled from a registry on this machine' },
  engines: { load: async () => (await import('./engines.ts')).engines, about: 'start latency, memory and run-time overhead of each engine; cold, warm, many at once' },
  shards: { load: async () => (await import('./shards.ts')).shards, about: 'gas and wall time for each shard of one job, 3 nodes: nothing run with 1 to 1,000 shards, `true` in a container with 1 to 100' },
  agreement: { load: async () => (await import('./agreement.ts')).agreement, about: 'how often honest runs of short jobs are told apart, three loops and two other runs beside each' },
  compare: { load: async () => (await import('./compare.ts')).compare, about: 'time to compare two traces of an hour' },
};

const HELP = `npm run bench -- NAME [--json FILE]

${Object.entries(BENCHMARKS).map(([name, { about }]) => `  ${name.padEnd(12)} ${about}`).join('\n')}

Example:
  npm run bench -- overhead --json overhead.json
`;

try {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'string' }, help: { type: 'boolean', short: 'h' } } });
  const name = positionals[0] ?? '';
  const benchmark = BENCHMARKS[name];
  if (values.help || benchmark === undefined) {
    process.stdout.write(HELP);
    process.exit(values.help ? 0 : 2);
  }
  const results = await (await benchmark.load())((line) => process.stdout.write(`${line}\n`));
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify({ name, results }, null, 2)}\n`);
  process.exit(0);
} catch (error) {
  process.stderr.write(`bench failed: ${messageOf(error)}\n`);
  process.exit(1);
}
