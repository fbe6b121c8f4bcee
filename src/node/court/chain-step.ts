import { commit, commitSet, contest, drawMore, expire, open, postBids, resolve, summon, type Equivocations } from '../../chain/index.ts';
import { isError, openedShardOf, openingsIn, postedBids, type JobState } from '../../protocol/index.ts';
import type { NodeComponents } from '../components.ts';
import type { NodeAction } from './next-action.ts';
import type { ReplicaRecord } from '../replica-record.ts';
import type { ReplicaRunner } from '../running/replica-runner.ts';
import { openingFor } from '../shards/opening-for.ts';

/** Actions of a node that are one message to the chain. */
export type ChainAction = Extract<NodeAction, 'post-commitment' | 'post-set' | 'expire' | 'contest' | 'open' | 'resolve' | 'post-bid' | 'draw-more' | 'summon' | 'convict'>;

/** What a step is about; `equivocations` are proofs that may not be on chain yet. */
export interface StepSubject { record: ReplicaRecord; job: JobState; seat: number; equivocations?: Equivocations | undefined }

/** Carries one step of a job to the chain. @throws ChainError */
export async function takeChainStep(
  { chain, journal, runner }: Pick<NodeComponents, 'chain' | 'journal'> & { runner: Pick<ReplicaRunner, 'shardStore'> },
  action: ChainAction,
  { record, job, seat, equivocations }: StepSubject,
  signal: AbortSignal,
): Promise<void> {
  const { request } = record;
  const roster = 'roster' in job ? job.roster : [];
  switch (action) {
    case 'expire':
      await expire(chain, { request, roster }, { signal });
      return;
    case 'post-bid':
      // Once: one that is no better than those on chain is passed over there.
      record.bidding = 'posted';
      await journal.put(record.jobId, record);
      try {
        await postBids(chain, { request, roster, bids: [record.bid] }, { signal });
      } catch (error) {
        if (isError(error, 'RPC_UNREACHABLE', 'TX_TIMEOUT')) record.bidding = 'unacknowledged';
        throw error;
      }
      return;
    case 'draw-more':
      await drawMore(chain, { request, roster, bids: postedBids(record.events, 1) }, { signal });
      return;
    case 'summon':
      record.summoned = true;
      await journal.put(record.jobId, record);
      await summon(chain, { request, roster, openings: openingsIn(record.events) }, { signal });
      return;
    case 'convict':
      await equivocations?.convict(job, { signal });
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
