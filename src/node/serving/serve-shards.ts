import { sealPiece, SHARD_PIECE_BYTES } from '../../evidence/index.ts';
import { serve, shardsProtocol } from '../../network/index.ts';
import type { Court, ShardsRequest, ShardsResponse } from '../../protocol/index.ts';
import type { Address, Hex } from 'viem';
import { whyNotClosed } from '../court/commitments-closed.ts';
import type { NodeComponents } from '../components.ts';
import type { ReplicaRecord } from '../replica-record.ts';
import type { ShardStore } from '../shards/shard-store.ts';

export interface ServeShardsComponents extends Pick<NodeComponents, 'chain' | 'host'> {
  court: Court;
  shardStore(jobId: Hex): ShardStore;
  find(jobId: Hex): ReplicaRecord | undefined;
}

/** Hands out the evidence of a replica's shards once commitments are closed. @returns a function that ends it */
export function serveShards(components: ServeShardsComponents): Promise<() => Promise<void>> {
  return serve(components.host, shardsProtocol, (request, { signal }) => pieceFrom(components, request, signal));
}

async function pieceFrom(components: ServeShardsComponents, { jobId, from, reveal }: ShardsRequest, signal: AbortSignal): Promise<ShardsResponse> {
  const record = components.find(jobId);
  const count = record?.request.shards ?? 0;
  if (record?.outcome === undefined || from >= count) return { status: 'refused', reason: 'no evidence of that shard here' };
  if (record.forgotten === true) return { status: 'refused', reason: 'the evidence of that job is not kept any more' };
  const closed = await whyNotClosed(components, record, reveal, signal);
  if (closed !== undefined) return { status: 'refused', reason: closed };
  const store = components.shardStore(jobId);
  const pieces: Uint8Array[] = [];
  for (let shard = from, bytes = 0; shard < count; shard++) {
    const { evidence } = await store.get(shard);
    bytes += evidence.length;
    if (pieces.length > 0 && bytes > SHARD_PIECE_BYTES) break;
    pieces.push(evidence);
  }
  const node: Address = record.bid.node;
  return { status: 'sealed', sealed: await sealPiece({ court: components.court, jobId, node, sealKey: record.request.sealKey }, pieces) };
}
