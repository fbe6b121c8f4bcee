import { sketchProofOf, type Opening } from '../../protocol/index.ts';
import type { ReplicaRecord } from '../replica-record.ts';
import type { ShardStore } from './shard-store.ts';

/** The opening of a replica's commitment that the chain is shown: of a job of shards with the sketch of the one that is opened. */
export async function openingFor({ spec, outcome }: Pick<ReplicaRecord, 'spec'> & { outcome: NonNullable<ReplicaRecord['outcome']> }, shard: number, store: ShardStore): Promise<Opening> {
  if ((JSON.parse(spec) as { shards?: unknown }).shards === undefined) return outcome.opening;
  const sketches = await store.sketches();
  return { ...outcome.opening, sketch: sketches[shard]!, proof: sketchProofOf(sketches, shard) };
}
