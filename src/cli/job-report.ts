import type { JobRecord, ReplicaFinding } from '../client/index.ts';
import type { JobBook } from '../client/book/job-book.ts';
import { decodeSpec, formatBytes, formatDurationMs, short, titleOf } from '../protocol/index.ts';
import { courtLines, courtReport } from './court-report.ts';
import { standing, verdictsOf } from './follow-job.ts';
import { coins } from '../protocol/base/coins.ts';
import { dim, green, red, score, table, yellow } from './output.ts';

/** What was reached when, as people call it: messages that were mined, and what came of them. */
const TIMES: Record<string, string> = {
  submit: 'submitted', firstBid: 'first bid', assign: 'nodes drawn', closed: 'all committed', examined: 'evidence compared', settle: 'verdict on chain', settled: 'over',
  commit: 'commitments on chain', audit: 'check called', summon: 'panel called', postBids: 'bids posted', drawMore: 'newcomers drawn', expire: 'called off',
};

/** A job as a script reads it. */
export function jobJson(book: Pick<JobBook, 'stateOf'>, record: JobRecord) {
  const state = book.stateOf(record);
  const verdicts = verdictsOf(state);
  const roster = state !== undefined && 'roster' in state ? state.roster : [];
  const key = `client:${record.request.client.toLowerCase()}`;
  return {
    id: record.jobId, name: record.name, title: titleOf(decodeSpec(Buffer.from(record.spec))).replaceAll(/\s+/g, ' '), state: state?.state ?? 'None', shards: record.request.shards, createdAt: new Date(record.createdAt).toISOString(),
    replicas: roster.map(({ node, price }, seat) => {
      const finding = record.findings?.find((one) => one.seat === seat);
      const nodeKey = `node:${node.toLowerCase()}`;
      return {
        node, verdict: verdicts[seat] ?? 'running', price: price.toString(), paid: verdicts[seat] === 'agreed' ? price.toString() : '0',
        resultCid: finding?.resultCid, exitCode: finding?.exitCode, ended: finding?.ended, cpuSeconds: finding?.cpuSeconds,
        peakMemoryBytes: finding?.peakMemoryBytes, inputs: record.receipts?.[seat], distances: finding?.distances, windows: finding?.windows, shards: finding?.shards, reason: finding?.reason,
        scoreBefore: record.before[nodeKey]?.score, scoreAfter: record.after[nodeKey]?.score, stakeBefore: record.before[nodeKey]?.stake, stakeAfter: record.after[nodeKey]?.stake,
      };
    }),
    client: { address: record.request.client, scoreBefore: record.before[key]?.score, scoreAfter: record.after[key]?.score },
    court: courtReport(record),
    gas: { ...record.gas, total: Object.values(record.gas).reduce((sum, gas) => sum + gas, 0) },
    timingsMs: record.timingsMs,
  };
}

/** A job as a person reads it. */
export function jobText(book: Pick<JobBook, 'stateOf'>, record: JobRecord): string {
  const job = jobJson(book, record);
  const change = (before: number | undefined, after: number | undefined) => (before === undefined ? '' : after === undefined ? score(before) : `${score(before)} → ${score(after)}`);
  const lines = [
    `${dim('job')}    ${job.id}`,
    `${dim('of')}     ${job.title}`,
    `${dim('state')}  ${standing(book.stateOf(record))}`,
    `${dim('client')} ${job.client.address}${job.client.scoreBefore === undefined ? '' : `  score ${change(job.client.scoreBefore, job.client.scoreAfter)}`}`,
  ];
  if (job.replicas.length > 0) {
    lines.push('', table(
      ['replica', 'node', 'CPU', 'peak memory', 'exit', 'distance', 'verdict', 'paid', 'stake', 'score'],
      job.replicas.map((replica, seat) => [
        String(seat), short(replica.node),
        replica.cpuSeconds === undefined ? '–' : `${replica.cpuSeconds.toFixed(2)} s`,
        replica.peakMemoryBytes === undefined ? '–' : formatBytes(replica.peakMemoryBytes),
        replica.exitCode === undefined ? '–' : String(replica.exitCode),
        (replica.distances ?? []).flatMap((d) => (d === null ? [] : [d === undefined || !Number.isFinite(d) ? '∞' : d.toFixed(2)])).join(' ') || '–',
        colourVerdict(replica.verdict), coins(replica.paid),
        replica.stakeAfter === undefined ? '' : coins(replica.stakeAfter), change(replica.scoreBefore, replica.scoreAfter),
      ]),
    ));
    for (const [seat, { shards }] of job.replicas.entries()) if (shards !== undefined) lines.push(shardsText(seat, shards));
    for (const [seat, { reason, verdict }] of job.replicas.entries()) {
      if (reason !== undefined && verdict !== 'agreed') lines.push(`${dim(`replica ${seat}:`)} ${reason}`);
    }
    const inputs = job.replicas.flatMap(({ inputs: receipts }, seat) => (receipts ?? []).map((receipt) => inputText(seat, receipt)));
    if (inputs.length > 0) lines.push('', ...inputs);
  }
  const court = courtLines(job.court);
  if (court.length > 0) lines.push('', ...court.map((line) => `${dim('court')}  ${line}`));
  const gas = Object.entries(job.gas).map(([step, used]) => `${step} ${used.toLocaleString('en')}`).join(', ');
  if (job.gas.total > 0) lines.push('', `${dim('gas')}    ${gas}`);
  const times = Object.entries(job.timingsMs).sort(([, a], [, b]) => a - b).map(([stage, ms]) => `${TIMES[stage] ?? stage} ${formatDurationMs(ms)}`).join(', ');
  if (times !== '') lines.push(`${dim('time')}   ${times}`);
  return lines.join('\n');
}

/** `replica 0: 1000 shards, 2 failed, told apart in 1 (12), windows of 8 opened`. */
function shardsText(seat: number, { count, failed, told, toldCount, undecided, opened }: NonNullable<ReplicaFinding['shards']>): string {
  const parts = [
    `${count} shard${count === 1 ? '' : 's'}`, ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(toldCount === 0 ? [] : [`told apart in ${toldCount} (${told.slice(0, 5).map(({ shard }) => shard).join(', ')}${toldCount > 5 ? ', …' : ''})`]),
    ...(undecided === 0 ? [] : [`undecided in ${undecided}`]), ...(opened === 0 ? [] : [`windows of ${opened} opened`]),
  ];
  return `${dim(`replica ${seat}:`)} ${parts.join(', ')}`;
}

/** `replica 0: bafy… 10.0 GiB from files in 3 ms`. */
function inputText(seat: number, { cid, bytes, ms, sources }: NonNullable<JobRecord['receipts']>[number][number]): string {
  const from = sources.filter(({ blocks }) => blocks > 0).map((source) => (
    bytes === source.bytes ? source.name : `${source.name} (${formatBytes(source.bytes)})`));
  return `${dim(`replica ${seat}:`)} ${cid} ${formatBytes(bytes)} from ${from.join(', ') || 'here'} in ${formatDurationMs(ms)}`;
}

function colourVerdict(verdict: string): string {
  if (verdict === 'agreed') return green(verdict);
  return verdict === 'deviated' || verdict === 'absent' ? red(verdict) : yellow(verdict);
}
