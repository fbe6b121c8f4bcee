import type { Hex } from 'viem';
import { readJob, verifyLogAccess } from '../../chain/index.ts';
import { announcementProtocol, evidenceProtocol, logsProtocol, serve, serveStream, setProtocol } from '../../network/index.ts';
import { MAX_RECEIPT_ERROR_CHARS, type EvidenceRequest, type EvidenceResponse } from '../../protocol/index.ts';
import type { Receipt } from '../../storage/index.ts';
import type { NodeComponents } from '../components.ts';
import { acceptSet, signSet } from '../court/commitment-set.ts';
import { closedOnChain, noteReleased, whyMayBeAudited } from '../court/commitments-closed.ts';
import { NodeError } from '../errors.ts';
import type { ReplicaRecord } from '../replica-record.ts';
import type { ReplicaRunner } from '../running/replica-runner.ts';
import { serveWindows } from './serve-windows.ts';
import { serveShards } from './serve-shards.ts';

export interface ServeClientComponents extends Pick<NodeComponents, 'chain' | 'court' | 'host' | 'journal' | 'log'> {
  runner: ReplicaRunner;
  find(jobId: Hex): ReplicaRecord | undefined;
}

/** Answers clients over libp2p: evidence once the chain is closed for commitments, live logs to the job's client, announcements to peers. */
export async function serveClient(components: ServeClientComponents, { liveLogs }: { liveLogs: boolean }): Promise<() => Promise<void>> {
  const { host, find } = components;
  const stops = await Promise.all([
    serve(host, setProtocol, async ({ jobId, commitments }) => {
      const record = find(jobId);
      return record === undefined ? { status: 'refused' as const, reason: 'no commitment to that job here' } : signSet(components, record, commitments);
    }),
    serve(host, evidenceProtocol, (asked, { signal }) => evidenceFor(components, asked, signal)),
    serveWindows(components),
    serveShards({ ...components, shardStore: (jobId) => components.runner.shardStore(jobId) }),
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

/**
 * The sealed evidence, if nobody can commit any more: because the chain accepts no further commitment, which is asked of the chain
 * itself and not of the watcher's memory, or because all seats have signed that these are all.
 */
async function evidenceFor(components: ServeClientComponents, { jobId, set, reveal }: EvidenceRequest, signal: AbortSignal): Promise<EvidenceResponse> {
  const { chain, runner, find } = components;
  const record = find(jobId);
  if (record?.outcome === undefined) return { status: 'refused', reason: 'no evidence of that job here' };
  if (record.forgotten === true) return { status: 'refused', reason: 'the evidence of that job is not kept any more' };
  const { state, rosterHash, widening } = await readJob(chain, jobId, { signal });
  const audited = whyMayBeAudited(record, { state, widening }, reveal);
  if (audited !== undefined) return { status: 'refused', reason: audited };
  if (state === 'Assigned' && widening === 0 && set !== undefined) {
    const refused = await acceptSet(components, record, set, rosterHash);
    if (refused !== undefined) return { status: 'refused', reason: refused };
  } else if (!closedOnChain(state)) {
    return { status: 'refused', reason: `commitments are not closed: the job is ${state} on chain` };
  }
  noteReleased(record);
  return { status: 'sealed', sealed: await runner.sealedEvidence(jobId), receipts: record.outcome.receipts.map(withoutPaths) };
}

/** A receipt as strangers may see it: what went wrong with files of this machine names them. */
function withoutPaths(receipt: Receipt): Receipt {
  return { ...receipt, sources: receipt.sources.map((source) => ({ ...source, errors: source.local ? [] : source.errors.map((error) => error.slice(0, MAX_RECEIPT_ERROR_CHARS)) })) };
}
