import type { Hex } from 'viem';
import { decodeSpec, POLICIES } from '../protocol/index.ts';
import type { ClientComponents } from './components.ts';
import { judge, type ClosedJob, type Exhibit } from './examine.ts';
import type { JobRecord, ReplicaFinding } from './job-record.ts';
import { confront } from './windows/confront.ts';

/** Compares the evidence of all seats: what became of each, in words, and which shard a rejected one has to open. */
export async function find(
  { storage, precedents }: Pick<ClientComponents, 'storage' | 'precedents'>, record: JobRecord, job: ClosedJob, exhibits: readonly Exhibit[], signal: AbortSignal,
): Promise<{ findings: ReplicaFinding[]; shard: number }> {
  const addrs = record.bids.filter(({ bid }) => job.roster.some(({ node }) => node.toLowerCase() === bid.node.toLowerCase())).map((bid) => bid.addrs);
  const confronted = await confront(storage, addrs, exhibits, signal);
  const findings = judge(job, confronted);
  if (POLICIES[record.request.policy] !== 'trace') return { findings, shard: 0 };
  const sketches = new Map(confronted.flatMap((exhibit) => ('evidence' in exhibit ? [[exhibit.seat, exhibit.evidence.sketch as Hex] as const] : [])));
  return { findings: await precedents.note(decodeSpec(Buffer.from(record.spec)), findings, sketches), shard: 0 };
}
