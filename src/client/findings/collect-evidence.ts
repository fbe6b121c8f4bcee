import { openSealed, type OpenedEvidence } from '../../evidence/index.ts';
import { evidenceProtocol, request, type Host } from '../../network/index.ts';
import { isError, messageOf, POLICIES, type Court, type EvidenceRequest } from '../../protocol/index.ts';
import { addrsOf } from '../book/addrs-of.ts';
import { EVIDENCE_ANSWER_MAX_MS, EVIDENCE_ANSWER_MS, EVIDENCE_RETRY_MS } from '../constants.ts';
import type { ClosedJob, Exhibit } from './exhibit.ts';
import { sealKeysOf, secretOf } from '../request/prepare-job.ts';
import type { JobRecord } from '../book/job-record.ts';
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
