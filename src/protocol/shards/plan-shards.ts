import { MAX_JOB_PATH_BYTES, MAX_SHARDS } from '../constants.ts';
import { ProtocolError } from '../base/errors.ts';
import type { JobSpec } from '../spec/job-spec.ts';

/** One shard of a job. */
export interface Shard {
  index: number;
  /** The shard as a job of its own; the input that is split is not among its inputs. */
  spec: JobSpec;
  /** Files of the split input that it sees, by their paths below the input; none where no input is split. */
  files: readonly string[];
}

/** The shards of a job, the same for everybody who has its spec and the directory that is split. */
export interface ShardPlan {
  count: number;
  /** @param index 0 to count - 1 */
  shard(index: number): Shard;
}

/** Variables that tell a shard which one it is, from 0, and of how many. */
export const SHARD_VARIABLES = { index: 'GADUS_SHARD', count: 'GADUS_SHARDS' } as const;

/**
 * Derives a job's shards. Files are dealt out in the order of their paths' bytes, `filesPerShard` to each, the last one taking what is
 * left; so each file is in one shard and one only.
 *
 * @param files paths of all regular files of the directory that is split, below it, in any order; not looked at where none is
 * @throws ProtocolError SHARDS_INVALID: no shards, too many, or a path that no job can have
 */
export function planShards(spec: JobSpec, files: readonly string[] = []): ShardPlan {
  const { shards, ...whole } = spec;
  switch (shards?.by) {
    case undefined: throw invalid('the job has no shards');
    case 'count': return { count: shards.count, shard: (index) => ({ index, spec: numbered(whole, index, shards.count), files: [] }) };
    case 'list': {
      const { list } = shards;
      return {
        count: list.length,
        shard(index) {
          const { env = {}, args = [], inputs = [] } = list[index]!;
          const own = { ...whole, env: { ...whole.env, ...env }, command: [...whole.command, ...args], inputs: [...whole.inputs, ...inputs] };
          return { index, spec: numbered(own, index, list.length), files: [] };
        },
      };
    }
    case 'file': {
      const { input, filesPerShard } = shards;
      const sorted = inOrder(files, whole.inputs[input]!.target);
      const count = Math.ceil(sorted.length / filesPerShard);
      if (count === 0) throw invalid('the directory to split has no files', 'a shard needs a file; symbolic links are none');
      if (count > MAX_SHARDS) {
        throw invalid(`${sorted.length} files make ${count} shards, at most ${MAX_SHARDS} are possible`, `set filesPerShard to ${Math.ceil(sorted.length / MAX_SHARDS)} or more`);
      }
      const own = { ...whole, inputs: whole.inputs.filter((_, i) => i !== input) };
      return {
        count,
        shard: (index) => ({ index, spec: numbered(own, index, count), files: sorted.slice(index * filesPerShard, (index + 1) * filesPerShard) }),
      };
    }
  }
}

function numbered(spec: JobSpec, index: number, count: number): JobSpec {
  return { ...spec, env: { ...spec.env, [SHARD_VARIABLES.index]: String(index), [SHARD_VARIABLES.count]: String(count) } };
}

function inOrder(files: readonly string[], target: string): string[] {
  const keyed = files.map((path) => ({ path, bytes: Buffer.from(path) })).sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  for (const [i, { path, bytes }] of keyed.entries()) {
    const shown = JSON.stringify(path.slice(0, 100));
    if (path.split('/').some((part) => part === '' || part === '.' || part === '..') || path.includes('\0')) throw invalid(`${shown} is not a path of a file`);
    if (Buffer.byteLength(target) + 1 + bytes.length > MAX_JOB_PATH_BYTES) throw invalid(`${shown}… would have a path of more than ${MAX_JOB_PATH_BYTES} bytes in the job`);
    if (path === keyed[i - 1]?.path) throw invalid(`two files have the path ${shown}`);
  }
  return keyed.map(({ path }) => path);
}

function invalid(details: string, hint?: string): ProtocolError {
  return new ProtocolError('SHARDS_INVALID', 'the job cannot be split', { details, ...(hint === undefined ? {} : { hint }) });
}
