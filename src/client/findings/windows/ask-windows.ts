import { checkWindow, checkWritten, drawWindows, EvidenceError, shardWindowSeed, windowCount, windowSeed, type WindowLeaf } from '../../../evidence/index.ts';
import { request, windowsProtocol, type Host } from '../../../network/index.ts';
import { setDigestOf, type Evidence, type SealedSeat } from '../../../protocol/index.ts';
import { ClientError } from '../../errors.ts';
import type { JobRecord } from '../../book/job-record.ts';
import { secretOf } from '../../request/prepare-job.ts';

/** Whose windows are asked for: all commitments of the job, and what the node's evidence says; of a job of shards, which one. */
export interface Questioned { roster: readonly SealedSeat[]; evidence: Pick<Evidence, 'trace' | 'profile' | 'windowRoot'>; shard?: number }

/**
 * Reveals the client's secret to a node, has it open the windows drawn with it, and checks them against what it committed to.
 *
 * @param addrs where the node listens
 * @returns the opened windows, ascending
 * @throws EvidenceError WINDOW_FALSE, EVIDENCE_MALFORMED, EVIDENCE_TOO_LARGE; ClientError WINDOWS_REFUSED; NetworkError
 */
export async function askWindows(
  host: Host, addrs: string[], { jobId, seed, auditBps = 0 }: Pick<JobRecord, 'jobId' | 'seed' | 'auditBps'>, { roster, evidence, shard }: Questioned, signal: AbortSignal,
): Promise<WindowLeaf[]> {
  const secret = secretOf(seed);
  const setDigest = setDigestOf(roster);
  const drawing = windowSeed({ secret, jobId, setDigest });
  const drawn = drawWindows(shard === undefined ? drawing : shardWindowSeed(drawing, shard), windowCount(evidence.trace.t.length));
  const answer = await request(host, addrs, windowsProtocol, { jobId, secret, auditBps, setDigest, ...(shard === undefined ? {} : { shard }) }, { signal });
  if (answer.status === 'refused') throw new ClientError('WINDOWS_REFUSED', 'the node does not open the windows that were drawn', { details: answer.reason });
  if (answer.windows.length !== drawn.length) {
    throw new EvidenceError('WINDOW_FALSE', 'the node opens other windows than were drawn', { details: `${answer.windows.length}, not ${drawn.length}` });
  }
  const leaves = drawn.map((index, i) => checkWindow(answer.windows[i]!, { root: evidence.windowRoot, trace: evidence.trace, index }));
  checkWritten(leaves, evidence.profile);
  return leaves;
}
