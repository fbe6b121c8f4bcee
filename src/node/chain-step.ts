import { commit, commitSet, contest, expire, open, resolve } from '../chain/index.ts';
import { openedShardOf, openingsIn, type JobState } from '../protocol/index.ts';
import type { NodeComponents } from './components.ts';
import type { NodeAction } from './next-action.ts';
import type { ReplicaRecord } from './replica-record.ts';
import type { ReplicaRunner } from './replica-runner.ts';
import { openingFor } from './shards/opening-for.ts';

/** Actions of a node that are one message to the chain. */
export type ChainAction = Extract<NodeAction, 'post-commitment' | 'post-set' | 'expire' | 'contest' | 'open' | 'resolve'>;

/** Carries one step of a job to the chain. @throws ChainError */
export async function takeChainStep(
  { chain, runner }: Pick<NodeComponents, 'chain'> & { runner: Pick<ReplicaRunner, 'shardStore'> },
  action: ChainAction,
  record: ReplicaRecord,
  job: JobState,
  seat: number,
  signal: AbortSignal,
): Promise<void> {
  const { request } = record;
  const roster = 'roster' in job ? job.roster : [];
  switch (action) {
    case 'expire':
      await expire(chain, { request, roster }, { signal });
      return;
    case 'resolve':
      await resolve(chain, { request, roster, openings: openingsIn(record.events) }, { signal });
      return;
  }
  const { outcome, set } = record;
  if (action === 'post-set') {
    if (set?.signatures === undefined) return;
    const { commitments, signatures } = set;
    await commitSet(chain, { request, roster, set: { commitments, signatures }, posted: job.state === 'Committed' }, { signal });
    return;
  }
  // A node without an outcome has nothing to commit, open or defend; time will end the job without it.
  if (outcome === undefined) return;
  if (action === 'post-commitment') {
    const { commitment, signature } = outcome;
    await commit(chain, { request, roster, commitments: [{ index: seat, commitment, signature }] }, { signal });
    return;
  }
  if (job.state !== 'Committed' && job.state !== 'Contestable' && job.state !== 'Contested') return;
  const { jobId, spec } = record;
  const opening = { index: seat, ...(await openingFor({ spec, outcome }, openedShardOf(jobId, job), runner.shardStore(jobId))) };
  switch (action) {
    case 'contest':
      await contest(chain, { request, roster, opening }, { signal });
      return;
    case 'open':
      await open(chain, { request, roster, openings: [opening] }, { signal });
  }
}
