import { escapeMarkup as text, REPORT_STYLE } from '../../evidence/index.ts';
import { coins, formatBytes, short } from '../../protocol/index.ts';
import { LIVE_STYLE, renderLive } from './render-live.ts';
import { wholeSeconds } from './whole-seconds.ts';
import type { JobRow, NodeView } from './view-node.ts';

/** How often the page asks for what is new, ms. */
const REFRESH_MS = 2_000;
/** After this long without a block the chain is said to be late, ms. */
const LATE_MS = 120_000;
/** Things shown of a long list. */
const MAX_ROWS = 50;

/** What the page asks for again and again, and puts in place of what it shows. */
const SCRIPT = `setInterval(async () => {
  if (document.hidden || getSelection().toString() !== '') return;
  const lost = document.getElementById('lost');
  try {
    const answer = await fetch('/body');
    if (answer.ok) document.querySelector('main').innerHTML = await answer.text();
    lost.hidden = answer.ok;
  } catch { lost.hidden = false; }
}, ${REFRESH_MS});`;

const STYLE = `${REPORT_STYLE}${LIVE_STYLE}.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:18px 24px;margin-top:20px}
.facts b{display:block;font-size:22px;line-height:1.25;font-variant-numeric:tabular-nums}
.facts span{color:var(--soft);font-size:13px}
td.cut{max-width:38ch;overflow:hidden;text-overflow:ellipsis}
td.said{white-space:normal;overflow-wrap:anywhere;text-align:left}
#lost{position:sticky;top:0;padding:8px 20px;background:var(--bad-bg);color:var(--bad);font-weight:600}
`;

/** The page whole; `nonce` is that of its Content-Security-Policy. */
export function renderNodePage(view: NodeView, nowMs: number, nonce: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Gadus node ${text(short(view.address))}</title><style>${STYLE}</style></head>
<body><div id="lost" hidden>The node does not answer; what is below was true a moment ago.</div><main>${renderNodeBody(view, nowMs)}</main>
<script nonce="${nonce}">${SCRIPT}</script></body></html>
`;
}

/** What changes: a section each for standing, what runs now, jobs, data and the diary. All text is escaped. */
export function renderNodeBody(view: NodeView, nowMs: number): string {
  return [header(view, nowMs), live(view, nowMs), jobs(view, nowMs), data(view, nowMs), diary(view, nowMs)].join('\n');
}

function header(view: NodeView, nowMs: number): string {
  const { standing, head } = view;
  const chain = head === undefined ? 'no block seen yet' : `block ${head.number}, ${ago(nowMs - head.at)}`;
  const late = head === undefined || nowMs - head.at > LATE_MS;
  const facts: [string, string][] = [
    [`${view.running} running`, `${view.waiting} waiting, ${view.jobCount} on record`],
    [`${coins(view.earned)} coin`, 'paid for jobs on record'],
    ...('problem' in standing ? [] : [
      [`${(standing.score / 100).toFixed(1)} %`, 'reputation'],
      [`${coins(standing.free + standing.locked)} coin`, `stake, ${coins(standing.locked)} of it bound by jobs`],
    ] satisfies [string, string][]),
    [`${coins(view.price)} coin`, 'asked for a replica'],
    [`${view.cpus} CPUs`, `${formatBytes(view.memoryBytes)} of memory, ${formatBytes(view.diskBytes)} of disk a job`],
  ];
  return `<header><div class="top"><h1>Node <span class="node">${text(view.address)}</span></h1><span class="tag ${late ? 'deviated' : 'agreed'}">${text(chain)}</span></div>
<p class="sub">${view.engines.length === 0 ? 'No engine: this node bids for nothing.' : `Engines: ${text(view.engines.join(', '))}${view.network.length === 0 ? '' : `; a network for jobs in ${text(view.network.join(', '))}`}`}. Peer <span class="node">${text(view.peer)}</span></p>
${'problem' in standing ? `<p class="down">The chain does not say how this node stands: ${text(standing.problem)}</p>` : ''}
<div class="facts">${facts.map(([value, about]) => `<div><b>${text(value)}</b><span>${text(about)}</span></div>`).join('')}</div></header>`;
}

function live({ live: rows }: NodeView, nowMs: number): string {
  return rows.length === 0 ? '' : section('Running now', renderLive(rows, nowMs));
}

function jobs({ jobs: rows, jobCount }: NodeView, nowMs: number): string {
  if (rows.length === 0) return section('Jobs', '<p class="meta">None yet. A node bids for what its engines, its offer and its price allow; the diary below says what it thinks.</p>');
  const cells = rows.map((row) => `<tr><td class="cut" title="${text(row.jobId)}">${text(row.title)} <span class="node">${text(row.jobId.slice(0, 10))}</span></td>`
    + `<td class="text">${text(row.engine)}</td><td class="text">${text(row.state)}</td><td class="text"><span class="tag ${tone(row)}">${text(row.part)}</span></td>`
    + `<td>${row.exitCode ?? ''}</td><td>${row.fetched === 0 ? '' : formatBytes(row.fetched)}</td><td>${row.paid === 0n ? '' : coins(row.paid)}</td><td>${row.finishedAt === undefined ? '' : ago(nowMs - row.finishedAt)}</td></tr>`
    + (row.failure === undefined ? '' : `<tr class="deviated reason"><td colspan="8">${text(row.failure)}</td></tr>`));
  return section('Jobs', table(['job', 'engine', 'state', 'this node', 'exit', 'fetched', 'paid', 'over'], cells, { text: [1, 2, 3] }) + more(jobCount - rows.length));
}

function data({ held, problems }: NodeView, nowMs: number): string {
  const bytes = held.reduce((sum, one) => sum + one.bytes, 0);
  const rows = held.toSorted((a, b) => b.usedAt - a.usedAt).slice(0, MAX_ROWS).map((one) => `<tr><td><span class="node">${text(one.cid)}</span></td><td class="text">${one.why}</td>`
    + `<td class="text cut">${text(one.path ?? '')}</td><td>${formatBytes(one.bytes)}</td><td>${ago(nowMs - one.usedAt)}</td></tr>`);
  const troubles = problems.slice(0, MAX_ROWS).map(({ path, problem }) => `<tr><td class="said">${text(path)}</td><td class="said down">${text(problem)}</td></tr>`);
  return section(`Data: ${formatBytes(bytes)} in ${held.length.toLocaleString('en')} ${held.length === 1 ? 'root' : 'roots'}`,
    (rows.length === 0 ? '' : table(['CID', 'why', 'from', 'size', 'used'], rows, { text: [1, 2] }) + more(held.length - rows.length))
    + (troubles.length === 0 ? '' : `<h3>Files that cannot be used</h3>${table(['file', 'why'], troubles, { text: [1] })}`));
}

function diary({ diary: lines }: NodeView, nowMs: number): string {
  const rows = lines.slice(0, MAX_ROWS).map(({ at, level, event, data: said }) => `<tr><td>${ago(nowMs - at)}</td>`
    + `<td class="text${level === 'info' ? '' : ' down'}">${text(event)}</td><td class="said node">${said === undefined ? '' : text(plain(said))}</td></tr>`);
  return section('Diary', table(['when', 'event', 'of'], rows, { text: [1, 2] }));
}

const section = (title: string, inside: string) => `<section><h2>${text(title)}</h2>${inside}</section>`;

function table(head: string[], rows: string[], { text: left }: { text: number[] }): string {
  return `<div class="scroll"><table><tr>${head.map((one, i) => `<th${left.includes(i) ? ' class="text"' : ''}>${text(one)}</th>`).join('')}</tr>${rows.join('')}</table></div>`;
}

const more = (count: number) => (count > 0 ? `<p class="meta">and ${count.toLocaleString('en')} more</p>` : '');

function tone({ part, failure }: JobRow): string {
  if (part === 'deviated' || part === 'absent' || failure !== undefined) return 'deviated';
  return part === 'agreed' || part === 'running' || part === 'committed' ? 'agreed' : '';
}

/** `12 s ago`. */
const ago = (ms: number) => (ms < 1000 ? 'now' : `${wholeSeconds(ms)} ago`);

function plain(said: Record<string, unknown>): string {
  const value = (one: unknown) => (typeof one === 'string' ? one.replace(/^(0x[0-9a-f]{8})[0-9a-f]{56}$/, '$1…') : JSON.stringify(one, (_key, v: unknown) => (typeof v === 'bigint' ? v.toString() : v)));
  return Object.entries(said).map(([key, one]) => `${key} ${value(one)}`).join(', ');
}
