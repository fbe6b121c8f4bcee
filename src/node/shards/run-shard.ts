import { join } from 'node:path';
import { encodeEvidence, encodeWindowSource, requireShardRoom } from '../../evidence/index.ts';
import type { Engine } from '../../executor/index.ts';
import { parseCid, shardName, type JobSpec, type LogChunk, type Shard } from '../../protocol/index.ts';
import type { Materialised, Storage } from '../../storage/index.ts';
import { evidenceOf, publishFor, type RunReplicaInit } from '../replica/run-replica.ts';
import { runOrFault } from '../replica/job-fault.ts';
import { runWatched } from '../replica/run-watched.ts';
import type { FinishedShard } from './shard-store.ts';

/** What all shards of a replica share. */
export interface SharedParts {
  engine: Engine;
  storage: Storage;
  /** Or why no shard can be run. */
  image: { path: string } | { fault: unknown };
  /** The spec's inputs on this machine, by their place in the spec. */
  inputs: readonly { path: string; target: string }[];
  sampleIntervalMs: number;
  /** Told why a shard cannot be run by any node. */
  onFault?: (why: string) => void;
  /** Until when the folder of a shard stays for its own sake, Unix time in ms: the result of all shards is what keeps it after that. */
  keepUntil: number;
}

/**
 * Runs one shard: only its own inputs are mounted, each limit is its own.
 *
 * @throws StorageError when an input of its own cannot be had, ExecutorError when the engine fails; EvidenceError EVIDENCE_TOO_LARGE
 */
export async function runShard(
  { engine, storage, image, inputs, sampleIntervalMs, keepUntil, onFault }: SharedParts,
  { court, jobId, node, request, ...again }: Pick<RunReplicaInit, 'court' | 'jobId' | 'node' | 'request' | 'againUntil' | 'onAgain' | 'watch'>,
  split: JobSpec,
  shard: Shard,
  signal: AbortSignal,
  onLog?: (stream: LogChunk['stream'], data: Uint8Array) => void,
): Promise<FinishedShard> {
  const held: { release(): Promise<void> | void }[] = [];
  try {
    const own: Materialised[] = [];
    const run = await runOrFault(engine, { sampleIntervalMs, signal, onFault }, async () => {
      if ('fault' in image) throw image.fault;
      const mounts = mountsOf(split, shard, inputs);
      // An entry of a list may have inputs of its own, after those that all have.
      for (const { source, target } of split.shards?.by === 'list' ? shard.spec.inputs.slice(split.inputs.length) : []) {
        const input = await storage.materialise(parseCid(source), { signal });
        held.push(input);
        own.push(input);
        mounts.push({ path: input.path, target });
      }
      return runWatched(engine, {
        id: `${jobId.slice(2, 18)}-${node.slice(2, 10).toLowerCase()}-s${shardName(shard.index)}`,
        spec: shard.spec, rootfs: image.path, inputs: mounts, sampleIntervalMs, signal, ...(onLog === undefined ? {} : { onLog }), ...again.watch?.(shard.index),
      }, again);
    });
    held.push(run);
    for (const input of own) await input.check();
    const published = await publishFor(storage, run, { court, jobId, node, request, spec: split, signal });
    const { resultCid, encryptedResultCid, bytes, publishedBytes } = published;
    await storage.keepUntil(parseCid(encryptedResultCid ?? resultCid), keepUntil);
    const { evidence, windowSource } = await evidenceOf({ jobId, node, signal }, run, published);
    const encoded = encodeEvidence(evidence);
    requireShardRoom(shard.index, encoded.length, 0);
    return { evidence: encoded, windowSource: encodeWindowSource(windowSource), bytes, publishedBytes };
  } finally {
    for (const resource of held.reverse()) await resource.release();
  }
}

/** The inputs that all shards have, and the shard's own files of the one that is split, at the places they have in the whole. */
function mountsOf(split: JobSpec, { files }: Shard, inputs: SharedParts['inputs']): { path: string; target: string }[] {
  const splitAt = split.shards?.by === 'file' ? split.shards.input : -1;
  return inputs.flatMap(({ path, target }, i) => (
    i === splitAt ? files.map((file) => ({ path: join(path, file), target: `${target}/${file}` })) : [{ path, target }]));
}
