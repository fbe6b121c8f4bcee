import { readParty } from '../../chain/index.ts';
import type { DiaryLine, NodeStatus, ReplicaRecord, RunningNode } from '../../node/index.ts';
import { anySignal, decodeSpec, messageOf, replay, scoreBps, seatOf, titleOf, type JobStateName, type ReplicaVerdict } from '../../protocol/index.ts';
import type { Holding } from '../../storage/index.ts';
import { viewLive, type LiveRow } from './view-live.ts';

/** Longest wait for the chain before the page is shown without what it says, ms. */
const PARTY_WAIT_MS = 3_000;
/** Jobs shown, newest first. */
const MAX_JOBS = 100;
/** What a look at the data shows stays so long, ms: it goes through every file of the folders, which may be a million. */
const DATA_FRESH_MS = 10_000;

/** What an operator sees of a node. Amounts are coin units, times ms since the epoch. */
export interface NodeView extends NodeStatus {
  peer: string;
  head: { number: bigint; at: number } | undefined;
  /** What the contract says, or why it cannot be asked. `score` in basis points. */
  standing: { free: bigint; locked: bigint; score: number } | { problem: string };
  /** By jobs that are still on record. */
  earned: bigint;
  /** What runs now. */
  live: LiveRow[];
  jobCount: number;
  jobs: JobRow[];
  held: Holding[];
  problems: { path: string; problem: string }[];
  diary: readonly DiaryLine[];
}

export interface JobRow {
  jobId: string;
  /** The spec's name, or else its command. */
  title: string;
  engine: string;
  state: JobStateName;
  /** What became of this node's part. */
  part: ReplicaVerdict | 'running' | 'committed' | 'passed over' | 'bid' | 'over';
  failure?: string;
  exitCode?: number;
  /** What the node brought from elsewhere for it, bytes. */
  fetched: number;
  paid: bigint;
  finishedAt?: number;
}

/** Looks at a running node for its page. */
export class NodeViewer {
  readonly #running: RunningNode;
  #data: { since: number; read: Promise<Pick<NodeView, 'held' | 'problems'>> } | undefined;

  constructor(running: RunningNode) {
    this.#running = running;
  }

  async look(signal: AbortSignal): Promise<NodeView> {
    const { node, chain, host, diary, status } = this.#running;
    const rows = [...node.records.values()].map((record) => rowOf(record)).reverse();
    const [standing, data] = await Promise.all([standingOf(chain, signal), this.#dataOf()]);
    const { number, timestamp } = node.head;
    return {
      ...status(), ...data, peer: host.peerId.toString(), head: timestamp === 0 ? undefined : { number, at: timestamp * 1000 }, standing,
      earned: rows.reduce((sum, { paid }) => sum + paid, 0n), live: viewLive(node.live, node.records), jobCount: rows.length, jobs: rows.slice(0, MAX_JOBS), diary: diary.lines,
    };
  }

  #dataOf(): Promise<Pick<NodeView, 'held' | 'problems'>> {
    const { storage } = this.#running;
    const now = performance.now();
    if (this.#data === undefined || now - this.#data.since > DATA_FRESH_MS) {
      const read = Promise.all([storage.holdings(), storage.problems()]).then(([held, problems]) => ({ held, problems }));
      read.catch(() => { this.#data = undefined; });
      this.#data = { since: now, read };
    }
    return this.#data.read;
  }
}

async function standingOf(chain: RunningNode['chain'], signal: AbortSignal): Promise<NodeView['standing']> {
  try {
    const { free, locked, good, bad } = await readParty(chain, chain.signer().address, 'node', { signal: anySignal(signal, AbortSignal.timeout(PARTY_WAIT_MS)) });
    return { free, locked, score: scoreBps({ good, bad }) };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

function rowOf(record: ReplicaRecord): JobRow {
  const { jobId, bid, outcome, failure, finished, finishedAt, events } = record;
  const spec = decodeSpec(new TextEncoder().encode(record.spec));
  const job = replay(events);
  const roster = job !== undefined && 'roster' in job ? job.roster : [];
  const seat = seatOf(roster, bid.node);
  const verdict = job?.state === 'Settled' ? job.verdicts[seat] : undefined;
  const part = verdict ?? (finished === 'passed-over' ? 'passed over' : finished !== undefined ? 'over' : seat < 0 ? 'bid' : outcome === undefined ? 'running' : 'committed');
  return {
    jobId, title: titleOf(spec), engine: spec.engine, state: job?.state ?? 'None', part,
    ...(failure === undefined ? {} : { failure }), ...(outcome === undefined ? {} : { exitCode: outcome.exitCode }), ...(finishedAt === undefined ? {} : { finishedAt }),
    fetched: (outcome?.receipts ?? []).reduce((sum, { sources }) => sum + sources.filter(({ local }) => !local).reduce((bytes, one) => bytes + one.bytes, 0), 0),
    paid: verdict === 'agreed' ? roster[seat]!.price : 0n,
  };
}
