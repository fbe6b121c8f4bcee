import type { Hex } from 'viem';
import { decodeWindowSource, drawWindows, openWindow, shardWindowSeed, windowSeed, windowsOf } from '../../evidence/index.ts';
import { serve, windowsProtocol } from '../../network/index.ts';
import { secretHashOf, type WindowsRequest, type WindowsResponse } from '../../protocol/index.ts';
import { whyNotClosed } from '../court/commitments-closed.ts';
import type { NodeComponents } from '../components.ts';
import type { ReplicaRecord } from '../replica-record.ts';
import type { ReplicaRunner } from '../running/replica-runner.ts';

export interface ServeWindowsComponents extends Pick<NodeComponents, 'chain' | 'host'> {
  runner: Pick<ReplicaRunner, 'windowSource' | 'shardStore'>;
  find(jobId: Hex): ReplicaRecord | undefined;
}

/** Opens the windows of a replica that are drawn once commitments are closed. @returns a function that ends it */
export function serveWindows(components: ServeWindowsComponents): Promise<() => Promise<void>> {
  return serve(components.host, windowsProtocol, (request, { signal }) => windowsFor(components, request, signal));
}

/**
 * The secret is what nobody but the client knew before: who has it may ask. The set digest is taken as the client says it: another one would
 * only draw other windows of a trace that the client has whole.
 */
async function windowsFor(components: ServeWindowsComponents, { jobId, secret, auditBps, setDigest, shard }: WindowsRequest, signal: AbortSignal): Promise<WindowsResponse> {
  const record = components.find(jobId);
  if (record?.outcome === undefined) return { status: 'refused', reason: 'no evidence of that job here' };
  if (record.forgotten === true) return { status: 'refused', reason: 'the evidence of that job is not kept any more' };
  if (secretHashOf(secret, auditBps) !== record.request.secretHash.toLowerCase()) return { status: 'refused', reason: 'that is not the secret of the job\'s client' };
  const open = await whyNotClosed(components, record, { secret, auditBps }, signal);
  if (open !== undefined) return { status: 'refused', reason: open };
  if ((shard ?? 0) >= record.request.shards) return { status: 'refused', reason: 'the job has no such shard' };
  const { runner } = components;
  const source = decodeWindowSource(shard === undefined ? await runner.windowSource(jobId) : (await runner.shardStore(jobId).get(shard)).windowSource);
  const windows = windowsOf(source);
  const seed = windowSeed({ secret, jobId, setDigest });
  const drawn = drawWindows(shard === undefined ? seed : shardWindowSeed(seed, shard), windows.count);
  return { status: 'opened', windows: drawn.map((index) => openWindow(source, windows, index)) };
}
