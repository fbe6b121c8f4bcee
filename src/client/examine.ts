import { judgeReplicas, fingerprintOf, openSealed, type OpenedEvidence } from '../evidence/index.ts';
import { evidenceProtocol, request, type Host } from '../network/index.ts';
import { isError, messageOf, POLICIES, type Court, type Evidence, type JobState, type Trace } from '../protocol/index.ts';
import { EVIDENCE_RETRY_MS } from './constants.ts';
import { sealKeysOf } from './prepare-job.ts';
import type { JobRecord, ReplicaFinding } from './job-record.ts';

type Rostered = Extract<JobState, { state: 'Committed' }>;

/** Evidence of one seat, opened and held against its commitment, or why there is none. */
export type Exhibit = { seat: number; evidence: Evidence } | { seat: number; problem: string };

/**
 * Asks a seat's node for its evidence until it comes, proves false, or the signal ends the wait. Evidence that does not open its
 * commitment is a problem for good: the commitment cannot change any more.
 */
export async function collectEvidence(host: Host, court: Court, record: JobRecord, job: Rostered, seat: number, signal: AbortSignal): Promise<Exhibit> {
  const { node, commitment } = job.roster[seat]!;
  const addrs = record.bids.find(({ bid }) => bid.node.toLowerCase() === node.toLowerCase())?.addrs ?? [];
  const { privateKey } = await sealKeysOf(record.seed);
  let problem = 'not asked yet';
  while (!signal.aborted) {
    try {
      const answer = await request(host, addrs, evidenceProtocol, { jobId: record.jobId }, { signal });
      if (answer.status === 'sealed') {
        const opened: OpenedEvidence = await openSealed({ court, jobId: record.jobId, node, privateKey, sealed: answer.sealed, commitment });
        return { seat, evidence: opened.evidence };
      }
      problem = answer.reason;
    } catch (error) {
      problem = messageOf(error);
      if (isError(error) && error.name === 'EvidenceError') return { seat, problem };
    }
    await new Promise((resolve) => setTimeout(resolve, EVIDENCE_RETRY_MS));
  }
  return { seat, problem: `no evidence in time: ${problem}` };
}

/** Compares the exhibits by the job's policy and says of every committed seat whether it agreed, and why. */
export function judge(job: Rostered, exhibits: readonly Exhibit[]): ReplicaFinding[] {
  const sound = exhibits.filter((exhibit): exhibit is Extract<Exhibit, { evidence: Evidence }> => 'evidence' in exhibit);
  const judgement = judgeReplicas(
    sound.map(({ evidence }) => ({
      fingerprint: fingerprintOf(evidence.trace, evidence.profile), resultCid: evidence.resultCid, exitCode: evidence.exitCode, ended: evidence.ended,
    })),
    POLICIES[job.request.policy] ?? 'trace',
  );
  return exhibits.map((exhibit) => {
    const { seat } = exhibit;
    const { node } = job.roster[seat]!;
    if ('problem' in exhibit) return { seat, node, distances: job.roster.map(() => null), agreed: false, reason: exhibit.problem };
    const place = sound.indexOf(exhibit);
    const { evidence } = exhibit;
    return {
      seat, node,
      resultCid: evidence.resultCid, exitCode: evidence.exitCode, ended: evidence.ended,
      cpuSeconds: cpuSecondsOf(evidence.trace), peakMemoryBytes: peakMemoryOf(evidence.trace),
      distances: job.roster.map((_, other) => {
        const otherPlace = sound.findIndex((candidate) => candidate.seat === other);
        return otherPlace < 0 || otherPlace === place ? null : judgement.distances[place]![otherPlace]!;
      }),
      agreed: judgement.agreed[place]!,
      reason: judgement.reasons[place]!,
    };
  });
}

function cpuSecondsOf({ channels }: Trace): number {
  const total = channels.cpuNs?.at(-1) ?? (channels.cpuUserNs?.at(-1) ?? 0) + (channels.cpuSystemNs?.at(-1) ?? 0);
  return total / 1e9;
}

function peakMemoryOf({ channels }: Trace): number {
  return channels.residentBytes?.reduce((peak, value) => Math.max(peak, value), 0) ?? 0;
}
