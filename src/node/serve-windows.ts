import type { Hex } from 'viem';
import { decodeWindowSource, drawWindows, openWindow, windowSeed, windowsOf } from '../evidence/index.ts';
import { serve, windowsProtocol } from '../network/index.ts';
import { secretHashOf, type WindowsRequest, type WindowsResponse } from '../protocol/index.ts';
import { whyNotClosed } from './commitments-closed.ts';
import type { NodeComponents } from './components.ts';
import type { ReplicaRecord } from './replica-record.ts';
import type { ReplicaRunner } from './replica-runner.ts';

export interface ServeWindowsComponents extends Pick<NodeComponents, 'chain' | 'host'> {
  runner: Pick<ReplicaRunner, 'windowSource'>;
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
async function windowsFor(components: ServeWindowsComponents, { jobId, secret, auditBps, setDigest }: WindowsRequest, signal: AbortSignal): Promise<WindowsResponse> {
  const record = components.find(jobId);
  if (record?.outcome === undefined) return { status: 'refused', reason: 'no evidence of that job here' };
  if (secretHashOf(secret, auditBps) !== record.request.secretHash.toLowerCase()) return { status: 'refused', reason: 'that is not the secret of the job\'s client' };
  const open = await whyNotClosed(components, record, signal);
  if (open !== undefined) return { status: 'refused', reason: open };
  const source = decodeWindowSource(await components.runner.windowSource(jobId));
  const windows = windowsOf(source);
  const drawn = drawWindows(windowSeed({ secret, jobId, setDigest }), windows.count);
  return { status: 'opened', windows: drawn.map((index) => openWindow(source, windows, index)) };
}
