import { decodeSpec, METER_VERSION, meterOf, POLICIES, type JobSpec } from '../../protocol/index.ts';
import { addrsOf } from '../book/addrs-of.ts';
import type { ClientComponents } from '../components.ts';
import { exportResult } from '../export-result.ts';
import type { ClosedJob, Exhibit } from './exhibit.ts';
import { judge } from './judge.ts';
import type { JobRecord, ReplicaFinding } from '../book/job-record.ts';
import type { ShardedExhibit } from '../shards/collect-shards.ts';
import { isSharded } from '../shards/is-sharded.ts';
import { judgeShards, type ShardedFindings } from '../shards/judge-shards.ts';
import { confront } from './windows/confront.ts';

/**
 * What the client finds about the seats of a job from what they showed, and which shard its verdict names.
 *
 * @param exhibits of all seats that committed
 */
export async function find({ storage, precedents, court }: Pick<ClientComponents, 'storage' | 'precedents' | 'court'>, record: JobRecord, job: ClosedJob, exhibits: readonly (Exhibit | ShardedExhibit)[], signal: AbortSignal): Promise<ShardedFindings> {
  const addrs = job.roster.map(({ node }) => addrsOf(record, node)).filter((one) => one.length > 0);
  const resultsOf = (shown: readonly Exhibit[]): Parameters<typeof confront>[0] => ({
    connect: (...args) => storage.connect(...args),
    export: (cid, destination, options) => {
      const copies = shown.flatMap((exhibit) => ('evidence' in exhibit && exhibit.evidence.resultCid === cid.toString() ? [exhibit.evidence] : []));
      return exportResult({ storage, court }, record, copies, destination, options);
    },
  });
  if (isSharded(record)) return judgeShards(resultsOf, addrs, job, exhibits, signal);
  const whole = exhibits.filter((exhibit): exhibit is Exhibit => !('sharded' in exhibit));
  const shown = await confront(resultsOf(whole), addrs, whole, signal);
  const findings: ReplicaFinding[] = judge(job, shown);
  if (POLICIES[record.request.policy] !== 'trace') return { findings, shard: 0 };
  const spec: JobSpec = decodeSpec(Buffer.from(record.spec));
  // A class of jobs is counted one way: runs that were counted another way are neither held against its runs nor remembered among them.
  const sketches = new Map(shown.flatMap((exhibit) => ('evidence' in exhibit && [undefined, spec.meter ?? METER_VERSION].includes(meterOf(exhibit.evidence.environment))
    ? [[exhibit.seat, exhibit.evidence.sketch] as const] : [])));
  return { findings: await precedents.note(spec, findings, sketches), shard: 0 };
}
