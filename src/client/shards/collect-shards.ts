import type { Hex } from 'viem';
import { decodeEvidence, drawShards, EvidenceError, openManifest, openPiece, requireRoot, requireShardRoom, windowSeed, type ShardManifest } from '../../evidence/index.ts';
import { request, shardsProtocol, type Host } from '../../network/index.ts';
import { parseCid, POLICIES, setDigestOf, shardName, type Court } from '../../protocol/index.ts';
import { directoryCid, type Receipt } from '../../storage/index.ts';
import { addrsOf } from '../book/addrs-of.ts';
import { WINDOW_REQUESTS_AT_ONCE } from '../constants.ts';
import { ClientError } from '../errors.ts';
import type { ClosedJob, ExhibitWindows } from '../findings/exhibit.ts';
import type { JobRecord } from '../book/job-record.ts';
import { secretOf } from '../request/prepare-job.ts';
import { askWindows } from '../findings/windows/ask-windows.ts';

/** Evidence of all shards of one seat, opened and held against its commitment. */
export interface ShardedExhibit { seat: number; sharded: ShardedEvidence; receipts: Receipt[] }

export interface ShardedEvidence {
  manifest: ShardManifest;
  /** Encoded evidence, by shard: decoded it takes several times the memory. */
  encoded: Uint8Array[];
  sketches: Hex[];
  /** Of the shards that were drawn. */
  windows: ReadonlyMap<number, ExhibitWindows>;
}

export interface ShardCollectorInit {
  host: Host;
  court: Court;
  record: JobRecord;
  job: ClosedJob;
  seat: number;
  privateKey: Hex;
  onShards(count: number): void;
}

/**
 * Collects the evidence of all shards of one seat, piece by piece, and the windows of those that are drawn. What came is kept, so that a
 * call after one that failed goes on where that was.
 *
 * @returns what takes the sealed manifest; it throws EvidenceError where the seat's word is false, else what the network does
 */
export function createShardCollector({ host, court, record, job, seat, privateKey, onShards }: ShardCollectorInit): (sealed: Uint8Array, signal: AbortSignal) => Promise<ShardedEvidence> {
  const { jobId } = record;
  const { node, commitment } = job.roster[seat]!;
  const opening = { court, jobId, node, privateKey };
  // A job of one replica may be drawn for a check; who asks shows that it is not.
  const reveal = record.request.replicas > 1 ? {} : { reveal: { secret: secretOf(record.seed), auditBps: record.auditBps ?? 0 } };
  const encoded: Uint8Array[] = [];
  const sketches: Hex[] = [];
  const results: string[] = [];
  const windows = new Map<number, ExhibitWindows>();
  let bytes = 0;

  async function collect(manifest: ShardManifest, signal: AbortSignal): Promise<void> {
    while (encoded.length < manifest.shards.length) {
      const answer = await request(host, addrsOf(record, node), shardsProtocol, { jobId, from: encoded.length, ...reveal }, { signal });
      if (answer.status === 'refused') throw new ClientError('SHARDS_REFUSED', 'the node does not hand over the evidence of its shards', { details: answer.reason });
      for (const piece of await openPiece({ ...opening, sealed: answer.sealed }, manifest, encoded.length)) {
        requireShardRoom(encoded.length, piece.encoded.length, bytes);
        bytes += piece.encoded.length;
        encoded.push(piece.encoded);
        sketches.push(piece.sketch);
        results.push(piece.resultCid);
      }
      onShards(encoded.length);
    }
    requireRoot(manifest, sketches);
    await requireResult(manifest, results);
  }

  async function open(drawn: readonly number[], signal: AbortSignal): Promise<void> {
    const waiting = drawn.filter((shard) => !windows.has(shard));
    const work = async () => {
      for (let shard = waiting.shift(); shard !== undefined; shard = waiting.shift()) {
        const evidence = decodeEvidence(encoded[shard]!);
        try {
          windows.set(shard, { leaves: await askWindows(host, addrsOf(record, node), record, { roster: job.roster, evidence, shard }, signal), heldAgainstResult: false });
        } catch (error) {
          throw error instanceof EvidenceError ? new EvidenceError(error.code, `shard ${shard}: ${error.message}`, { cause: error }) : error;
        }
      }
    };
    await Promise.all(Array.from({ length: WINDOW_REQUESTS_AT_ONCE }, work));
  }

  return async (sealed, signal) => {
    const manifest = await openManifest({ ...opening, sealed, commitment, shards: job.request.shards });
    await collect(manifest, signal);
    // Only the comparison of traces relies on the trace.
    if (POLICIES[job.request.policy] === 'trace') {
      const seed = windowSeed({ secret: secretOf(record.seed), jobId, setDigest: setDigestOf(job.roster) });
      await open(drawShards(seed, manifest.shards.length), signal);
    }
    return { manifest, encoded, sketches, windows };
  };
}

/** Whether the result that was committed to is the directory of the shards' results. @throws EvidenceError SHARD_FALSE */
async function requireResult({ resultCid, shards }: ShardManifest, results: readonly string[]): Promise<void> {
  const entries = results.map((cid, index) => ({ name: shardName(index), cid: parseCid(cid), bytes: shards[index]!.bytes }));
  const actual = (await directoryCid(entries)).toString();
  if (actual !== resultCid) throw new EvidenceError('SHARD_FALSE', 'the result is not the directory of its shards\' results', { details: `stated ${resultCid}, theirs is ${actual}` });
}
