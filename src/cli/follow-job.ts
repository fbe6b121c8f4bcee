import type { JobRecord, Progress, RunningClient } from '../client/index.ts';
import { deadlineOf, isError, short, type JobState, type JobStateName } from '../protocol/index.ts';
import { coins } from '../protocol/base/coins.ts';
import { clock, dim, green, red, say, yellow } from './output.ts';

/** Says on stderr what a job goes through. */
export function narrate(quiet: boolean): (progress: Progress) => void {
  if (quiet) return () => {};
  return (progress) => {
    switch (progress.stage) {
      case 'submitted': return say(`${dim('job')} ${progress.jobId}`);
      case 'bid': return say(`${dim('bid')} ${short(progress.node)} asks ${coins(progress.price)}${progress.locality === undefined ? '' : `, holds ${(progress.locality / 100).toFixed(0)} % of the input`}`);
      case 'few-bids': return say(`${yellow('waiting')} ${progress.count} of ${progress.needed} bids so far; the job is cancelled and refunded if they do not come before ${clock(progress.until)}`);
      case 'no-engine': return say(`${yellow('waiting')} none of the ${progress.nodes} nodes that this client knows ${progress.network
        ? `gives jobs a network in the engine ${progress.engine}: their operators allow places by jobNetwork.allow` : `offers the engine ${progress.engine}: gadus node list shows what they offer, gadus doctor on a node's machine what it lacks`}`);
      case 'few-nodes': return say(`${yellow('unchecked')} ${progress.nodes} ${progress.nodes === 1 ? 'node has' : 'nodes have'} registered, a check takes ${progress.needed}: if the lot asks for one, it comes to nothing`);
      case 'assigned': return say(`${dim('assigned')} ${progress.roster.map(({ node }) => short(node)).join(', ')} ${dim(`until ${clock(progress.until)}`)}`);
      case 'commitment': return say(`${dim('committed')} ${short(progress.node)} (${progress.count} of ${progress.of})`);
      case 'committed': return say(dim('commitments closed; asking for evidence'));
      case 'contradiction': return say(`${red('contradiction')} ${short(progress.node)} signed two statements that cannot both be meant; the chain is told`);
      case 'convicted': return say(`${red('convicted')} ${short(progress.node)} loses its stake`);
      case 'widening': return say(progress.audit ? `${yellow('audit')} the replica is held against ${progress.needed} more` : `${yellow('panel')} the sketches do not decide: ${progress.needed} fresh nodes do`);
      case 'widened': return say(`${dim('drawn')} ${progress.newcomers.map(({ node }) => short(node)).join(', ')}`);
      case 'evidence': return say(progress.problem === undefined ? `${dim('evidence')} ${short(progress.node)} opens its commitment` : `${yellow('evidence')} ${short(progress.node)}: ${progress.problem}`);
      case 'shards': return say(dim(`evidence of ${progress.count} of ${progress.of} shards from ${short(progress.node)}`));
      case 'verdict': return say(progress.agreed === progress.of ? `${green('verdict')} all ${progress.of} agree` : `${red('verdict')} ${progress.agreed} of ${progress.of} agree`);
      case 'waiting': return say(dim(`${progress.state}: the verdict stands if nobody contests it before ${clock(progress.until)}`));
      case 'contested': return say(`${yellow('contested')} by ${short(progress.node)}; sketches are opened on chain`);
      case 'final': return say(dim(`job is ${progress.state}`));
      case 'problem': return say(`${yellow('problem')} ${progress.message}`);
    }
  };
}

/** What there is to wait for, and until when. */
const WAITS: Partial<Record<JobStateName, string>> = {
  Open: 'takes bids until', Assigned: 'its nodes run it, and commit before', Committed: 'its evidence is judged before',
  Contestable: 'the verdict stands if nobody contests it before', Contested: 'sketches are opened before', Widening: 'further nodes are drawn before',
};

/** Where a job stands. */
export function standing(job: JobState | undefined): string {
  if (job === undefined) return 'not on chain';
  const until = deadlineOf(job);
  return until === undefined || WAITS[job.state] === undefined ? job.state : `${job.state}: ${WAITS[job.state]} ${clock(until)}`;
}

/** Copies the log of one replica to stdout and stderr while it runs; a node that shows no log is no error. */
export async function followLog({ client }: RunningClient, record: JobRecord, seat: number, { signal, quiet = false }: { signal: AbortSignal; quiet?: boolean }): Promise<void> {
  try {
    for await (const { stream, data } of client.logs(record, seat, { signal })) {
      if (stream === 'stdout') process.stdout.write(data);
      if (stream === 'stderr') process.stderr.write(data);
      // How far it is: fetching, running, publishing; which of its shards are done.
      if (stream === 'info' && !quiet) process.stderr.write(Buffer.from(data).toString().replace(/^(?=.)/gm, `${dim(`replica ${seat}`)} `));
    }
  } catch (error) {
    if (signal.aborted) return;
    if (isError(error, 'REFUSED', 'LOG_UNAVAILABLE', 'PEER_UNREACHABLE', 'STREAM_CLOSED')) say(`${yellow('log')} ${error.message}`);
    else throw error;
  }
}

/** In one word how each seat ended. */
export function verdictsOf(state: JobState | undefined): string[] {
  if (state === undefined) return [];
  if (state.state === 'Settled') return [...state.verdicts];
  return 'roster' in state ? state.roster.map((_, seat) => ((state.committed >> seat) & 1 ? 'committed' : 'running')) : [];
}
