import { judgeReplicas, fingerprintOf, openSealed, type OpenedEvidence } from '../../evidence/index.ts';
import { evidenceProtocol, request, type Host } from '../../network/index.ts';
import { isError, messageOf, meterOf, POLICIES, type Court, type Evidence, type EvidenceRequest, type Trace } from '../../protocol/index.ts';
import { addrsOf } from '../book/addrs-of.ts';
import { EVIDENCE_ANSWER_MAX_MS, EVIDENCE_ANSWER_MS, EVIDENCE_RETRY_MS } from '../constants.ts';
import type { ClosedJob, Exhibit } from './exhibit.ts';
import { sealKeysOf, secretOf } from '../request/prepare-job.ts';
import type { JobRecord, ReplicaFinding } from '../book/job-record.ts';
import { createShardCollector, type ShardedExhibit } from '../shards/collect-shards.ts';
import { isSharded } from '../shards/is-sharded.ts';
import { askWindows } from './windows/ask-windows.ts';

/**
 * Asks a seat's node for its evidence until it comes, proves false, or the signal ends the wait. Evidence that does not open its
 * commitment, or windows that contradict it, are a problem for good: the commitment cannot change any more.
 */
export async function collectEvidence(
  host: Host, court: Court, record: JobRecord, job: ClosedJob, seat: number, signal: AbortSignal, onProblem: (problem: string) => void = () => {},
  onShards: (count: number) => void = () => {},
): Promise<Exhibit | ShardedExhibit> {
  const { node, commitment } = job.roster[seat]!;
  const { privateKey } = await sealKeysOf(record.seed);
  const shards = isSharded(record) ? createShardCollector({ host, court, record, job, seat, privateKey, onShards }) : undefined;
  let problem = 'not asked yet';
  let timeoutMs = EVIDENCE_ANSWER_MS;
  while (!signal.aborted) {
    // A node that only the chain told of says where it listens when it hands in its commitment, which may be later than this.
    const addrs = addrsOf(record, node);
    try {
      const answer = await request(host, addrs, evidenceProtocol, evidenceRequestOf(record), { signal, timeoutMs });
      if (answer.status === 'sealed' && shards !== undefined) return { seat, sharded: await shards(answer.sealed, signal), receipts: answer.receipts ?? [] };
      if (answer.status === 'sealed') {
        const opened: OpenedEvidence = await openSealed({ court, jobId: record.jobId, node, privateKey, sealed: answer.sealed, commitment });
        const { evidence } = opened;
        // Only the comparison of traces relies on the trace.
        const windows = POLICIES[job.request.policy] === 'trace'
          ? { leaves: await askWindows(host, addrs, record, { roster: job.roster, evidence }, signal), heldAgainstResult: false } : undefined;
        return { seat, evidence, receipts: answer.receipts ?? [], ...(windows === undefined ? {} : { windows }) };
      }
      problem = answer.reason;
    } catch (error) {
      problem = messageOf(error);
      if (isError(error) && error.name === 'EvidenceError') return { seat, problem };
      if (isError(error, 'TIMEOUT')) timeoutMs = Math.min(2 * timeoutMs, EVIDENCE_ANSWER_MAX_MS);
    }
    onProblem(problem);
    await new Promise((resolve) => setTimeout(resolve, EVIDENCE_RETRY_MS));
  }
  return { seat, problem: `no evidence in time: ${problem}` };
}

/** With the signed set, if there is one; to a job's only replica with the secret, which shows that the job is not drawn for a check. */
function evidenceRequestOf({ jobId, set, request: { replicas }, seed, auditBps = 0 }: JobRecord): EvidenceRequest {
  return {
    jobId, ...(set === undefined ? {} : { set: { commitments: [...set.commitments], signatures: [...set.signatures] } }),
    ...(replicas > 1 ? {} : { reveal: { secret: secretOf(seed), auditBps } }),
  };
}

/** Compares the exhibits by the job's policy and says of every committed seat whether it agreed, and why. */
export function judge(job: ClosedJob, exhibits: readonly Exhibit[]): ReplicaFinding[] {
  const sound = exhibits.filter((exhibit): exhibit is Extract<Exhibit, { evidence: Evidence }> => 'evidence' in exhibit);
  const judgement = judgeReplicas(
    sound.map(({ evidence, windows }) => ({
      fingerprint: fingerprintOf(evidence.trace, evidence.profile),
      // Copies are looked for where windows were opened: in thousands of shards it would take longer than all else.
      ...(windows === undefined ? {} : { trace: evidence.trace }),
      resultCid: evidence.resultCid, exitCode: evidence.exitCode, ended: evidence.ended, ...metered(evidence.environment),
    })),
    POLICIES[job.request.policy] ?? 'trace', job.request.shards,
  );
  return exhibits.map((exhibit) => {
    const { seat } = exhibit;
    const { node } = job.roster[seat]!;
    if ('problem' in exhibit) return { seat, node, distances: job.roster.map(() => null), agreed: false, reason: exhibit.problem };
    const place = sound.indexOf(exhibit);
    const { evidence } = exhibit;
    return {
      seat, node,
      resultCid: evidence.resultCid, ...(evidence.encryptedResultCid === undefined ? {} : { encryptedResultCid: evidence.encryptedResultCid }), exitCode: evidence.exitCode, ended: evidence.ended,
      cpuSeconds: cpuSecondsOf(evidence.trace), peakMemoryBytes: peakMemoryOf(evidence.trace),
      distances: job.roster.map((_, other) => {
        const otherPlace = sound.findIndex((candidate) => candidate.seat === other);
        return otherPlace < 0 || otherPlace === place ? null : judgement.distances[place]![otherPlace]!;
      }),
      ...(exhibit.windows === undefined ? {} : { windows: { opened: exhibit.windows.leaves.length, heldAgainstResult: exhibit.windows.heldAgainstResult } }),
      agreed: judgement.agreed[place]!,
      reason: judgement.reasons[place]!,
    };
  });
}

function metered(environment: Evidence['environment']): { meter?: number } {
  const meter = meterOf(environment);
  return meter === undefined ? {} : { meter };
}

function cpuSecondsOf({ channels }: Trace): number {
  const total = channels.cpuNs?.at(-1) ?? (channels.cpuUserNs?.at(-1) ?? 0) + (channels.cpuSystemNs?.at(-1) ?? 0);
  return total / 1e9;
}

function peakMemoryOf({ channels }: Trace): number {
  return channels.residentBytes?.reduce((peak, value) => Math.max(peak, value), 0) ?? 0;
}
