import {
  assign, audit, commit, commitSet, drawMore, expire, postBids, readNodeCount, resolve, settle, settleDirect, submit, summon, type WriteResult,
} from '../../chain/index.ts';
import { openingsIn, widenedSeats, type JobState, type SealedSeat, type SignedBid } from '../../protocol/index.ts';
import { commitmentsToCarry } from './closing/commitments.ts';
import type { ClosedJob } from '../findings/exhibit.ts';
import type { ClientAction } from './next-action.ts';
import { secretOf } from '../request/prepare-job.ts';
import { requireAuditFunds } from './draw/audit-funds.ts';
import type { SessionContext } from './context.ts';

/** Actions of a client that are one message to the chain, and the name under which their gas is booked. */
const BOOKED_AS = {
  submit: 'submit', assign: 'assign', 'commit-set': 'commit', commit: 'commit', 'settle-direct': 'settle', settle: 'settle', expire: 'expire', resolve: 'resolve',
  audit: 'audit', summon: 'summon', 'post-bids': 'postBids', 'draw-more': 'drawMore', convict: 'convict',
} as const satisfies Partial<Record<ClientAction, string>>;
export type CarriedAction = keyof typeof BOOKED_AS;

/** What a step takes besides the record and the chain's state. */
export interface Cargo {
  bids: SignedBid[];
  unposted(): SignedBid[];
  noteOffered(bids: readonly SignedBid[]): void;
  closed(job: JobState): ClosedJob;
  verdict(job: ClosedJob): Promise<{ agreed: number; shard: number; reportDigest: `0x${string}` }>;
  convict(): Promise<WriteResult | undefined>;
}

/** Carries one step of a job to the chain. @returns the message's outcome and the name it is booked under; undefined if there is nothing to carry @throws ChainError */
export async function carry(context: SessionContext, action: CarriedAction, job: JobState | undefined, cargo: Cargo): Promise<{ step: string; result: WriteResult } | undefined> {
  const result = await send(context, action, job, cargo);
  return result && { step: BOOKED_AS[action], result };
}

async function send({ components: { chain }, record, signal, progress }: SessionContext, action: CarriedAction, job: JobState | undefined, cargo: Cargo): Promise<WriteResult | undefined> {
  const { request } = record;
  const options = { signal };
  const roster: readonly SealedSeat[] = job !== undefined && 'roster' in job ? job.roster : [];
  switch (action) {
    case 'submit':
      if ((record.auditBps ?? 0) > 0) {
        await requireAuditFunds(chain, request, record.auditBps!, options);
        const [nodes, needed] = [await readNodeCount(chain, options), widenedSeats(request.replicas)];
        if (nodes < needed) progress({ stage: 'few-nodes', nodes, needed });
      }
      return submit(chain, { request }, options);
    case 'assign': return assign(chain, { request, bids: cargo.bids }, options);
    case 'commit-set': return commitSet(chain, { request, roster, set: record.set!, posted: true }, options);
    case 'commit': return commit(chain, { request, roster, commitments: commitmentsToCarry(job!, record.commitments) }, options);
    case 'settle-direct': {
      const closed = cargo.closed(job!);
      const verdict = await cargo.verdict(closed);
      return settleDirect(chain, { request, roster: closed.roster, signatures: record.set!.signatures, ...verdict }, options);
    }
    case 'settle': return settle(chain, { request, roster, ...await cargo.verdict(cargo.closed(job!)) }, options);
    case 'audit': return audit(chain, { request, roster, secret: secretOf(record.seed), auditBps: record.auditBps ?? 0 }, options);
    case 'summon': return summon(chain, { request, roster, openings: openingsIn(record.events) }, options);
    case 'post-bids': {
      const bids = cargo.unposted();
      const result = await postBids(chain, { request, roster, bids }, options);
      cargo.noteOffered(bids);
      return result;
    }
    case 'draw-more': return drawMore(chain, { request, roster, bids: cargo.bids }, options);
    case 'convict': return cargo.convict();
    case 'expire': return expire(chain, { request, roster }, options);
    case 'resolve': return resolve(chain, { request, roster, openings: job?.state === 'Contestable' ? [] : openingsIn(record.events) }, options);
  }
}
