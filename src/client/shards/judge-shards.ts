import { setImmediate } from 'node:timers/promises';
import { decodeEvidence } from '../../evidence/index.ts';
import { cidDigest, parseCid, POLICIES } from '../../protocol/index.ts';
import type { Storage } from '../../storage/index.ts';
import { MAX_TOLD_SHARDS } from '../constants.ts';
import type { ClosedJob, Exhibit } from '../findings/exhibit.ts';
import { judge } from '../findings/judge.ts';
import type { ReplicaFinding, ShardFindings } from '../book/job-record.ts';
import { confront } from '../findings/windows/confront.ts';
import type { ShardedExhibit } from './collect-shards.ts';
import { nameShard, provenIn, type JudgedShard, type OpenableSeat } from './name-shard.ts';

/** The findings about the seats of a job of shards, and the shard that the verdict names. */
export interface ShardedFindings { findings: ReplicaFinding[]; shard: number }

/** What is summed up of a seat over its shards. */
interface Sum {
  exhibit: ShardedExhibit;
  shards: ShardFindings;
  exitCode: number;
  ended: string;
  cpuSeconds: number;
  peakMemoryBytes: number;
  distances: (number | null)[];
  /** Why it counts for nothing in any shard: its windows are false. */
  problem?: string;
}

/**
 * Judges every shard by itself, as if it were a job, and brings what is found together. A seat agrees if it agrees in every shard; of
 * several shards in which seats are told apart the verdict can name one, whose rejected they are, and the others have the benefit. Nobody is told apart in a
 * shard in which the contract, which sees the sketches alone, would find him in its majority: the client would lose that dispute.
 *
 * @param results gives the results of the exhibits of one shard
 * @param addrs where the nodes listen
 */
export async function judgeShards(
  results: (exhibits: readonly Exhibit[]) => Pick<Storage, 'connect' | 'export'>, addrs: readonly (readonly string[])[], job: ClosedJob, exhibits: readonly (Exhibit | ShardedExhibit)[], signal: AbortSignal,
): Promise<ShardedFindings> {
  const { shards: count } = job.request;
  const sums = exhibits.flatMap((exhibit) => ('sharded' in exhibit ? [begin(exhibit, job, count)] : []));
  const judged: JudgedShard[] = [];
  const agreements = new Map<number, string>();
  for (let shard = 0; shard < count && sums.length > 0; shard++) {
    // Thousands of shards take seconds: whatever else this process does goes on meanwhile.
    await setImmediate(undefined, { signal });
    const own = sums.map((sum) => exhibitOf(sum, shard));
    const shown = await confront(results(own), addrs, own, signal);
    const found = judge(job, shown);
    const settled = cleared(job, sums, found, shown, shard);
    judged.push(note(sums, settled, shown, shard));
    for (const { seat, agreed, reason } of settled) if (agreed && !agreements.has(seat)) agreements.set(seat, reason);
  }
  const sound = sums.filter(({ problem }) => problem === undefined);
  const named = judged.length === 0 ? { shard: 0, told: [], undecided: true } : nameShard(judged, sound.map(openableOf));
  const findings = exhibits.map((exhibit) => {
    const sum = sums.find((one) => one.exhibit === exhibit);
    const { seat } = exhibit;
    const { node } = job.roster[seat]!;
    if (sum === undefined) return { seat, node, distances: job.roster.map(() => null), agreed: false, reason: 'problem' in exhibit ? exhibit.problem : '' };
    return finding(sum, node, named, agreements.get(seat));
  });
  return { findings, shard: named.shard };
}

function begin(exhibit: ShardedExhibit, job: ClosedJob, count: number): Sum {
  return {
    exhibit, exitCode: 0, ended: 'exit', cpuSeconds: 0, peakMemoryBytes: 0, distances: job.roster.map(() => null),
    shards: { count, told: [], toldCount: 0, undecided: 0, failed: 0, opened: exhibit.sharded.windows.size, heldAgainstResult: 0 },
  };
}

/** One shard of a seat as if it were a replica of its own. */
function exhibitOf({ exhibit: { seat, sharded }, problem }: Sum, shard: number): Exhibit {
  if (problem !== undefined) return { seat, problem };
  const windows = sharded.windows.get(shard);
  return { seat, evidence: decodeEvidence(sharded.encoded[shard]!), receipts: [], ...(windows === undefined ? {} : { windows }) };
}

function openableOf({ exhibit: { seat, sharded } }: Sum): OpenableSeat {
  return { seat, sketches: sharded.sketches, resultDigest: cidDigest(parseCid(sharded.manifest.resultCid)) };
}

/** What is found, less what the contract would not find. */
function cleared({ request }: ClosedJob, sums: readonly Sum[], found: ReplicaFinding[], shown: readonly Exhibit[], shard: number): ReplicaFinding[] {
  if (POLICIES[request.policy] !== 'trace' || found.every(({ agreed }, i) => agreed || 'problem' in shown[i]!)) return found;
  const proven = provenIn(sums.filter((_, i) => 'evidence' in shown[i]!).map(openableOf), shard);
  return found.map((finding, i) => (finding.agreed || 'problem' in shown[i]! || !proven.includes(finding.seat) ? finding
    : { ...finding, agreed: true, reason: `within what the contract tells apart: ${finding.reason}` }));
}

function note(sums: readonly Sum[], found: readonly ReplicaFinding[], shown: readonly Exhibit[], shard: number): JudgedShard {
  const undecided = !found.some(({ agreed }) => agreed);
  const told: number[] = [];
  for (const [i, sum] of sums.entries()) {
    const { seat, agreed, reason, exitCode, ended, cpuSeconds, peakMemoryBytes, distances } = found[i]!;
    const one = shown[i]!;
    if ('problem' in one) {
      sum.problem ??= `shard ${shard}: ${one.problem}`;
      continue;
    }
    if (one.windows?.heldAgainstResult === true) sum.shards.heldAgainstResult++;
    // The first that did not end well stands for all.
    if (exitCode !== 0 && sum.shards.failed++ === 0) Object.assign(sum, { exitCode, ended });
    sum.cpuSeconds += cpuSeconds ?? 0;
    sum.peakMemoryBytes = Math.max(sum.peakMemoryBytes, peakMemoryBytes ?? 0);
    sum.distances = sum.distances.map((most, other) => (distances[other] === null || distances[other] === undefined ? most : Math.max(most ?? 0, distances[other])));
    if (agreed) continue;
    if (undecided) sum.shards.undecided++;
    else {
      told.push(seat);
      sum.shards.toldCount++;
    }
    if (sum.shards.told.length < MAX_TOLD_SHARDS) sum.shards.told.push({ shard, reason });
  }
  return { shard, told, undecided };
}

function finding(sum: Sum, node: ReplicaFinding['node'], named: JudgedShard, agreement: string | undefined): ReplicaFinding {
  const { exhibit: { seat, sharded }, shards, problem, exitCode, ended, cpuSeconds, peakMemoryBytes, distances } = sum;
  const { resultCid, encryptedResultCid } = sharded.manifest;
  const agreed = problem === undefined && !named.undecided && !named.told.includes(seat);
  return {
    seat, node, resultCid, ...(encryptedResultCid !== undefined && { encryptedResultCid }), exitCode, ended, cpuSeconds, peakMemoryBytes, distances, shards, agreed,
    reason: problem ?? reasonOf(seat, shards, named, agreement),
  };
}

function reasonOf(seat: number, { count, told, toldCount, undecided }: ShardFindings, named: JudgedShard, agreement: string | undefined): string {
  const first = told[0];
  if (first === undefined) return `in all ${count} shards, as in the first: ${agreement ?? 'not compared'}`;
  const there = told.find(({ shard }) => shard === named.shard) ?? first;
  const why = `shard ${there.shard}: ${there.reason}`;
  if (named.undecided) return `${why}; no majority in ${undecided} of ${count} shards`;
  const others = named.told.includes(seat) ? toldCount - 1 : toldCount;
  if (named.told.includes(seat)) return others === 0 ? why : `${why}; and told apart in ${others} other shard${others === 1 ? '' : 's'} of ${count}`;
  if (toldCount === 0) return `agrees in ${count - undecided} of ${count} shards; ${why}`;
  return `${why}; the verdict names shard ${named.shard}, in which it agrees: it has the benefit`;
}
