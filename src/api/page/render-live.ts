import { escapeMarkup as text, panelPlot } from '../../evidence/index.ts';
import { formatBytes, formatDurationMs } from '../../protocol/index.ts';
import type { LiveRow, RunRow } from './view-live.ts';
import { wholeSeconds } from './whole-seconds.ts';

/** px of one curve. */
const SIZE = { width: 520, height: 160 } as const;

/** Characters shown of a name, which may be a whole script. */
const MAX_TITLE = 200;

const STAGES: Record<LiveRow['stage'], string> = { waiting: 'waits for room', fetching: 'fetches its input', running: 'runs', publishing: 'publishes its result' };

export const LIVE_STYLE = `
.job{margin-top:16px}
.job h3{margin:0 0 2px;display:flex;gap:10px;align-items:baseline;flex-wrap:wrap;font-size:15px;overflow-wrap:anywhere}
.curves{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));gap:6px 22px;margin-top:8px}
.curves svg{width:100%;max-width:520px;height:auto;display:block}
progress{accent-color:var(--bar);width:100%;max-width:520px;height:10px;display:block;margin-top:8px}
`;

/** What strangers' jobs do to this machine at this moment. All text is escaped. */
export function renderLive(rows: readonly LiveRow[], nowMs: number): string {
  return rows.map((row) => `<div class="job">${header(row, nowMs)}${row.runs.map((run) => renderRun(run, row, nowMs)).join('')}`
    + `${row.more === 0 ? '' : `<p class="meta">and ${row.more} more runs at this moment</p>`}</div>`).join('');
}

function header({ title, jobId, stage, since, shards }: LiveRow, nowMs: number): string {
  const facts = [...(stage === 'running' ? [] : [`for ${span(nowMs - since)}`]), ...(shards === undefined ? [] : [`${shards.done} of ${shards.of} shards are done`])];
  return `<h3><span>${text(title.slice(0, MAX_TITLE))}</span> <span class="node">${text(jobId.slice(0, 10))}</span> <span class="tag agreed">${STAGES[stage]}</span></h3>`
    + (facts.length === 0 ? '' : `<p class="meta">${facts.join(' · ')}</p>`)
    + (shards === undefined ? '' : `<progress max="${shards.of}" value="${shards.done}"></progress>`);
}

function renderRun({ shard, startedAt, last, trace }: RunRow, { limits, stage }: LiveRow, nowMs: number): string {
  const facts = [
    ...(shard === undefined ? [] : [`shard ${shard}`]),
    ...(stage !== 'running' && shard === undefined ? [] : [startedAt === undefined ? 'its engine starts' : `runs for ${span(nowMs - startedAt)} of ${formatDurationMs(limits.timeoutMs)} at most`]),
    ...(last.cpuNs === undefined ? [] : [`${formatDurationMs(last.cpuNs / 1e6)} of CPU time, ${limits.cpus} ${limits.cpus === 1 ? 'core' : 'cores'} at most`]),
    ...(last.residentBytes === undefined ? [] : [`${formatBytes(last.residentBytes)} of ${formatBytes(limits.memoryBytes)} memory`]),
    ...(last.processes === undefined ? [] : [`${last.processes} ${last.processes === 1 ? 'process' : 'processes'}`]),
    ...(last.readBytes === undefined || last.writtenBytes === undefined ? [] : [`${formatBytes(last.readBytes)} read, ${formatBytes(last.writtenBytes)} written`]),
    ...(last.outputBytes === undefined ? [] : [`${formatBytes(last.outputBytes)} of ${formatBytes(limits.diskBytes)} disk`]),
  ];
  const series = [{ label: 'this run', trace }];
  const curves = (['cpu-over-time', 'memory-over-time'] as const)
    .filter((panel) => (panel === 'cpu-over-time' ? trace.channels.cpuNs : trace.channels.residentBytes) !== undefined)
    .map((panel) => panelPlot(series, panel, SIZE));
  return `<p class="meta">${text(facts.join(' · '))}</p>${curves.length === 0 ? '' : `<div class="curves">${curves.join('')}</div>`}`;
}

/** Whole seconds, for what counts on. */
const span = (ms: number) => wholeSeconds(Math.max(0, Math.floor(ms / 1000)) * 1000);
