import { fingerprintOf, judgeReplicas } from '../../evidence/index.ts';
import { meterOf, POLICIES, type Evidence, type Trace } from '../../protocol/index.ts';
import type { ReplicaFinding } from '../book/job-record.ts';
import type { ClosedJob, Exhibit } from './exhibit.ts';

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
