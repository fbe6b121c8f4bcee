import type { Hex } from 'viem';
import { readJob, verifyLogAccess } from '../chain/index.ts';
import { announcementProtocol, evidenceProtocol, logsProtocol, serve, serveStream } from '../network/index.ts';
import { JOB_STATES, type EvidenceResponse } from '../protocol/index.ts';
import type { NodeComponents } from './components.ts';
import { NodeError } from './errors.ts';
import type { ReplicaRecord } from './replica-record.ts';
import type { ReplicaRunner } from './replica-runner.ts';

export interface ServeClientComponents extends Pick<NodeComponents, 'chain' | 'court' | 'host' | 'log'> {
  runner: ReplicaRunner;
  find(jobId: Hex): ReplicaRecord | undefined;
}

/** Answers clients over libp2p: evidence once the chain is closed for commitments, live logs to the job's client, announcements to peers. */
export async function serveClient(components: ServeClientComponents, { liveLogs }: { liveLogs: boolean }): Promise<() => Promise<void>> {
  const { host, find } = components;
  const stops = await Promise.all([
    serve(host, evidenceProtocol, ({ jobId }, { signal }) => evidenceFor(components, jobId, signal)),
    serve(host, announcementProtocol, async ({ jobId }) => {
      const record = find(jobId);
      if (record === undefined) return { found: false };
      const { request, spec, clientAddrs } = record;
      return { found: true, announcement: { request, spec: new TextEncoder().encode(spec), addrs: clientAddrs } };
    }),
    serveStream(host, logsProtocol, async function* ({ jobId, expires, signature }, { peer, signal }) {
      const record = find(jobId);
      if (record === undefined) throw new NodeError('LOG_REFUSED', 'no log of that job here');
      if (!liveLogs) throw new NodeError('LOG_REFUSED', 'this node does not show logs before the result');
      await verifyLogAccess(components.court, record.request.client, { jobId, peer: peer.toString(), expires: BigInt(expires) }, signature);
      const hub = components.runner.logOf(record);
      if (hub === undefined) throw new NodeError('LOG_REFUSED', 'no log of that job here any more');
      yield* hub.follow(signal);
    }),
  ]);
  return async () => { for (const stop of stops) await stop(); };
}

/** The sealed evidence, if the chain accepts no further commitment for the job: asked of the chain itself, not of the watcher's memory. */
async function evidenceFor({ chain, runner, find }: ServeClientComponents, jobId: Hex, signal: AbortSignal): Promise<EvidenceResponse> {
  const record = find(jobId);
  if (record?.outcome === undefined) return { status: 'refused', reason: 'no evidence of that job here' };
  const { state } = await readJob(chain, jobId, { signal });
  if (JOB_STATES.indexOf(state) < JOB_STATES.indexOf('Committed') || state === 'Cancelled' || state === 'Expired') {
    return { status: 'refused', reason: `commitments are not closed: the job is ${state} on chain` };
  }
  return { status: 'sealed', sealed: await runner.sealedEvidence(jobId) };
}
