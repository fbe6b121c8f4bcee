import { short } from '../../protocol/base/short.ts';
import { formatBytes, formatDurationMs } from '../../protocol/spec/units.ts';
import { escapeMarkup } from './escape-markup.ts';
import { headline } from './headline.ts';
import { looksOf, panelPlot, PANELS, type PlotSeries } from './trace-plot.ts';
import type { ReplicaVerdict, ReportData, ReportJob, ReportReplica } from './report-data.ts';
import { REPORT_STYLE } from './report-style.ts';

const VERDICTS: Record<ReplicaVerdict, string> = { agreed: 'agreed', deviated: 'deviated', absent: 'absent', undecided: 'undecided' };

/** A column of the replica table; shown when any replica has something to show in it. */
interface Column { head: string; text?: boolean; cell: (replica: ReportReplica, index: number) => string | undefined }

/**
 * One self-contained HTML page: for each job a sentence that says who agreed and why somebody did not, a table of its replicas, their
 * traces overlaid, the client's reputation, gas and time of every step. No script and no external resource; all text is escaped.
 */
export function renderReport({ title = 'Execution traces', subtitle, jobs }: ReportData): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline'">
<title>${escapeMarkup(title)}</title><style>${REPORT_STYLE}</style></head>
<body><main><header><h1>${escapeMarkup(title)}</h1>${subtitle === undefined ? '' : `<p class="sub">${escapeMarkup(subtitle)}</p>`}</header>
${jobs.length > 1 ? overview(jobs) : ''}${jobs.map(jobSection).join('\n')}
</main></body></html>
`;
}

function overview(jobs: readonly ReportJob[]): string {
  const rows = jobs.map((job, i) => {
    const deviated = job.replicas.some((replica) => replica.verdict === 'deviated');
    const gas = sum(job.gas);
    const truth = truthOf(job);
    return `<tr><td class="wide"><a href="#job-${i + 1}">${escapeMarkup(job.title)}</a><p>${escapeMarkup(headline(job))}</p>${truth === '' ? '' : `<p class="meta">${escapeMarkup(truth)}</p>`}</td>`
      + `<td><span class="tag ${deviated ? 'deviated' : 'agreed'}">${deviated ? 'deviation' : 'agreement'}</span></td>`
      + `<td>${gas === undefined ? '' : gas.toLocaleString('en')}</td></tr>`;
  });
  const withGas = jobs.some((job) => job.gas !== undefined);
  return `<section><h2>Jobs</h2><div class="scroll"><table><tr><th>what the traces say</th><th>verdict</th><th>${withGas ? 'gas' : ''}</th></tr>${rows.join('')}</table></div></section>`;
}

function jobSection(job: ReportJob, index: number): string {
  const series = job.replicas.flatMap((replica): PlotSeries[] => (replica.trace === undefined ? [] : [{
    label: replica.label, trace: replica.trace, deviating: replica.verdict === 'deviated', ...(replica.profile === undefined ? {} : { profile: replica.profile }),
  }]));
  const charts = series.length === 0 ? '' : `<div class="charts">${PANELS.map((panel) => panelPlot(series, panel)).join('')}</div>`;
  const truth = truthOf(job);
  return `<section id="job-${index + 1}"><div class="top"><h2>${escapeMarkup(job.title)}</h2>${job.state === undefined ? '' : `<span class="tag">${escapeMarkup(job.state)}</span>`}</div>
<p class="headline">${escapeMarkup(headline(job))}</p>
<p class="meta">${escapeMarkup([truth, job.id === '' ? '' : `Job ${job.id}`].filter((text) => text !== '').join(' '))}</p>
${replicaTable(job)}${charts}${below(job)}</section>`;
}

/** What whoever set up the run knows, if anybody does. */
function truthOf({ cheat }: ReportJob): string {
  if (cheat === undefined) return '';
  return cheat === null ? 'In truth all nodes were honest.' : `In truth: ${cheat.replace(/\.$/, '')}.`;
}

function replicaTable({ replicas }: ReportJob): string {
  const looks = looksOf(replicas.filter(({ trace }) => trace !== undefined).map(({ verdict }) => ({ deviating: verdict === 'deviated' })));
  const drawn = replicas.filter(({ trace }) => trace !== undefined);
  const swatch = (replica: ReportReplica): string => {
    const look = looks[drawn.indexOf(replica)];
    return look === undefined ? '' : `<svg class="swatch" width="26" height="8" aria-hidden="true"><line x1="0" x2="26" y1="4" y2="4" stroke="${look.colour}" stroke-width="3"${look.dash === undefined ? '' : ' stroke-dasharray="7 4"'}/></svg>`;
  };
  const columns: Column[] = [
    { head: 'replica', cell: (r) => `${swatch(r)}${escapeMarkup(r.label)}${r.node === undefined ? '' : ` <span class="node">${escapeMarkup(short(r.node))}</span>`}` },
    { head: 'verdict', text: true, cell: ({ verdict }) => `<span class="tag ${verdict}">${VERDICTS[verdict]}</span>` },
    { head: 'CPU', cell: ({ cpuSeconds }) => cpuSeconds === undefined ? undefined : `${cpuSeconds.toFixed(2)} s` },
    { head: 'peak memory', cell: ({ peakMemoryBytes }) => peakMemoryBytes === undefined ? undefined : formatBytes(peakMemoryBytes) },
    ...replicas.map((other, i): Column => ({
      head: `to ${escapeMarkup(other.label)}`,
      cell: ({ distances }, index) => {
        const value = distances[i];
        if (value === undefined || value === null) return undefined;
        return i === index ? '<span class="node">–</span>' : `<span${value > 1 ? ' class="far"' : ''}>${distanceText(value)}</span>`;
      },
    })),
    { head: 'paid', cell: ({ paid }) => paid === undefined ? undefined : escapeMarkup(paid) },
    { head: 'stake', cell: ({ stakeBefore, stakeAfter }) => stakeAfter === undefined ? undefined : change(stakeBefore ?? stakeAfter, stakeAfter) },
    { head: 'reputation', cell: ({ scoreBefore, scoreAfter }) => scoreAfter === undefined ? undefined : change(percent(scoreBefore ?? scoreAfter), percent(scoreAfter)) },
  ];
  const shown = columns.filter((column) => replicas.some((replica, i) => column.cell(replica, i) !== undefined));
  const className = ({ text }: Column) => (text ? ' class="text"' : '');
  const head = shown.map((column) => `<th${className(column)}>${column.head}</th>`).join('');
  const rows = replicas.map((replica, i) => `<tr class="${replica.verdict}">${shown.map((column) => `<td${className(column)}>${column.cell(replica, i) ?? ''}</td>`).join('')}</tr>`
    + (replica.reason === '' ? '' : `<tr class="${replica.verdict} reason"><td colspan="${shown.length}">${escapeMarkup(replica.reason)}</td></tr>`));
  const note = replicas.length > 1 ? '<p class="meta">Distances count in thresholds: up to 1 two runs pass for the same work, up to 1 + log<sub>2</sub> n in a job of n shards.</p>' : '';
  return `<div class="scroll"><table><tr>${head}</tr>${rows.join('')}</table></div>${note}`;
}

function below({ client, gas, timingsMs }: ReportJob): string {
  const blocks: string[] = [];
  if (gas !== undefined) blocks.push(bars('Gas', gas, (value) => value.toLocaleString('en')));
  if (timingsMs !== undefined) blocks.push(bars('Time', timingsMs, formatDurationMs));
  if (client !== undefined) {
    blocks.push(`<div><h3>Client</h3><p><span class="node">${escapeMarkup(short(client.address))}</span></p><p>reputation ${change(percent(client.scoreBefore), percent(client.scoreAfter))}</p></div>`);
  }
  return blocks.length === 0 ? '' : `<div class="below">${blocks.join('')}</div>`;
}

function bars(title: string, values: Record<string, number>, format: (value: number) => string): string {
  const entries = Object.entries(values);
  const max = Math.max(...entries.map(([, value]) => value), 1);
  const rows = entries.map(([name, value]) => `<span>${escapeMarkup(name)}</span><span><i style="width:${Math.round((1000 * Math.max(value, 0)) / max) / 10}%"></i></span><span>${escapeMarkup(format(value))}</span>`);
  return `<div><h3>${title}</h3><div class="bars">${rows.join('')}<span class="sum">together</span><span></span><span class="sum">${escapeMarkup(format(sum(values) ?? 0))}</span></div></div>`;
}

function change(before: string, after: string): string {
  if (before === after) return escapeMarkup(after);
  const [from, to] = [Number.parseFloat(before), Number.parseFloat(after)];
  return `${escapeMarkup(before)} → <span class="${to < from ? 'down' : 'up'}">${escapeMarkup(after)}</span>`;
}

function percent(bps: number): string {
  return `${(bps / 100).toFixed(1)} %`;
}

function distanceText(value: number): string {
  if (value === Infinity) return '∞';
  return value >= 9.95 ? Math.round(value).toLocaleString('en') : value.toFixed(2);
}

function sum(values: Record<string, number> | undefined): number | undefined {
  return values === undefined ? undefined : Object.values(values).reduce((total, value) => total + value, 0);
}
