import type { Client, JobRecord } from '../../client/index.ts';
import type { ReportJob } from '../../evidence/index.ts';
import { coins, formatBytes, formatDurationMs, short, type Evidence } from '../../protocol/index.ts';
import type { Cheat } from '../cheats.ts';

/** What the dishonest node did, in words. */
const CHEAT_WORDS: Record<Cheat, string> = {
  idle: 'slept for as long as the work takes', flat: 'did nothing and made up a flat trace',
  half: 'worked on half of the table', other: 'ran another program for as long as the work takes',
};

/** One job of the demonstration, for scripts. */
export interface DemoJobData {
  id: string;
  state: string;
  cheat: Cheat | null;
  replicas: {
    node: string; dishonest: boolean; verdict: 'agreed' | 'deviated' | 'absent' | 'undecided'; paid: string; stakeBefore: string; stakeAfter: string;
    scoreBefore: number; scoreAfter: number; cpuSeconds: number; peakMemoryBytes: number; distances: (number | null)[]; reason: string;
  }[];
  client: { address: string; scoreBefore: number; scoreAfter: number };
  gas: Record<string, number>;
  timingsMs: Record<string, number>;
}

/** A job with the evidence that was opened for it. */
export interface DemoJob { data: DemoJobData; exhibits: Evidence[]; seats: (Evidence | undefined)[] }

/** Collects a settled job of the demonstration. */
export function demoJob(client: Client, record: JobRecord, cheat: Cheat | null, dishonestSeat: number | undefined): DemoJob {
  const state = client.stateOf(record)!;
  const roster = 'roster' in state ? state.roster : [];
  const verdicts = state.state === 'Settled' ? state.verdicts : [];
  const opened = client.exhibits(record);
  const seats = roster.map((_, seat) => {
    const exhibit = opened.get(seat);
    return exhibit !== undefined && 'evidence' in exhibit ? exhibit.evidence : undefined;
  });
  const clientKey = `client:${record.request.client.toLowerCase()}`;
  return {
    seats, exhibits: seats.filter((evidence) => evidence !== undefined),
    data: {
      id: record.jobId, state: state.state, cheat,
      replicas: roster.map(({ node, price }, seat) => {
        const key = `node:${node.toLowerCase()}`;
        const finding = record.findings?.find((one) => one.seat === seat);
        const verdict = verdicts[seat] ?? 'undecided';
        return {
          node, dishonest: seat === dishonestSeat, verdict, paid: verdict === 'agreed' ? price.toString() : '0',
          stakeBefore: record.before[key]?.stake ?? '0', stakeAfter: record.after[key]?.stake ?? '0',
          scoreBefore: record.before[key]?.score ?? 0, scoreAfter: record.after[key]?.score ?? 0,
          cpuSeconds: finding?.cpuSeconds ?? 0, peakMemoryBytes: finding?.peakMemoryBytes ?? 0,
          distances: finding?.distances ?? [], reason: finding?.reason ?? 'no evidence',
        };
      }),
      client: { address: record.request.client, scoreBefore: record.before[clientKey]?.score ?? 0, scoreAfter: record.after[clientKey]?.score ?? 0 },
      gas: { ...record.gas, total: Object.values(record.gas).reduce((sum, gas) => sum + gas, 0) },
      timingsMs: record.timingsMs,
    },
  };
}

/** The job for the HTML report. */
export function reportJob({ data, seats }: DemoJob): ReportJob {
  return {
    id: data.id, title: data.cheat === null ? 'Three honest nodes' : 'One node in three is dishonest', state: data.state,
    cheat: data.cheat === null ? null : CHEAT_WORDS[data.cheat], client: data.client, gas: gasOf(data), timingsMs: stepsOf(data.timingsMs),
    replicas: data.replicas.map((replica, seat) => ({
      ...replica, label: `replica ${seat}`, paid: coins(replica.paid), stakeBefore: coins(replica.stakeBefore), stakeAfter: coins(replica.stakeAfter),
      ...(seats[seat] === undefined ? {} : { trace: seats[seat].trace, profile: seats[seat].profile }),
    })),
  };
}

/** The job for a terminal. */
export function jobTable({ data }: DemoJob): string {
  const header = ['replica', 'node', 'CPU', 'peak memory', 'distance', 'verdict', 'paid', 'stake', 'reputation'];
  const rows = data.replicas.map((replica, seat) => [
    `${seat}${replica.dishonest ? ' (dishonest)' : ''}`, short(replica.node), `${replica.cpuSeconds.toFixed(2)} s`, formatBytes(replica.peakMemoryBytes),
    replica.distances.flatMap((d) => (d === null ? [] : [Number.isFinite(d) ? d.toFixed(2) : '∞'])).join('  '),
    replica.verdict, coins(replica.paid), `${coins(replica.stakeBefore)} → ${coins(replica.stakeAfter)}`,
    `${(replica.scoreBefore / 1e4).toFixed(3)} → ${(replica.scoreAfter / 1e4).toFixed(3)}`,
  ]);
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) => `  ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')}`.trimEnd();
  return [
    `job ${short(data.id)} ${data.cheat === null ? 'all honest' : `one node ${CHEAT_WORDS[data.cheat]}`}: ${data.state}`,
    line(header), ...rows.map(line),
    ...data.replicas.flatMap(({ verdict, reason }, seat) => (verdict === 'agreed' ? [] : [`  replica ${seat} ${verdict}: ${reason}`])),
    `  client ${short(data.client.address)} reputation ${(data.client.scoreBefore / 1e4).toFixed(3)} → ${(data.client.scoreAfter / 1e4).toFixed(3)}`,
    `  gas  ${Object.entries(data.gas).map(([step, gas]) => `${step} ${gas.toLocaleString('en')}`).join(', ')}`,
    `  time ${Object.entries(data.timingsMs).map(([stage, ms]) => `${stage} ${formatDurationMs(ms)}`).join(', ')}`,
  ].join('\n');
}

/** Gas by step; the report adds it up itself. */
function gasOf({ gas: { total: _total, ...steps } }: DemoJobData): Record<string, number> {
  return steps;
}

/** How long each step took, from the times at which they were reached. */
function stepsOf(reached: Record<string, number>): Record<string, number> {
  const inOrder = Object.entries(reached).sort(([, a], [, b]) => a - b);
  return Object.fromEntries(inOrder.map(([step, ms], i) => [step, ms - (inOrder[i - 1]?.[1] ?? 0)]));
}
