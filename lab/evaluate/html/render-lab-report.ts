import { escapeMarkup } from '../../../src/evidence/plot/escape-markup.ts';
import { REPORT_STYLE } from '../../../src/evidence/plot/report-style.ts';
import type { Evaluation } from '../evaluate.ts';
import type { LabReport } from '../report-schema.ts';
import { blockSection, eerTable, engineSection, precedentSection, windowSection } from './extra-sections.ts';
import { decisionBars } from './decision-bars.ts';
import { goalsOf } from './goals.ts';
import { groupRocs } from './group-rocs.ts';
import { heatCell } from './heat-cell.ts';
import { LAB_STYLE } from './lab-style.ts';
import { rocChart, type RocLine } from './roc-chart.ts';

type Detection = LabReport['cheats'][string]['full'];

/** Looks of the fingerprints: the product's solid, baselines dashed. */
const LOOKS: readonly Pick<RocLine, 'colour' | 'width' | 'dash'>[] = [
  { colour: '#0072b2', width: 2.8 }, { colour: '#e69f00', width: 1.6 }, { colour: '#009e73', width: 2.4 }, { colour: '#56b4e9', width: 1.4 },
  { colour: '#7f7f7f', width: 1.4, dash: '2 3' }, { colour: '#cc79a7', width: 1.4, dash: '6 3' }, { colour: '#8d7b00', width: 1.4, dash: '6 3' }, { colour: '#8a8a8a', width: 1.2, dash: '1 3' }, { colour: '#d5410b', width: 1.8 }, { colour: '#6a3d9a', width: 2.2 }, { colour: '#9a6dca', width: 2 }, { colour: '#c3a3e6', width: 2 },
];

/**
 * The laboratory's report as one self-contained page: goals, detection by cheat and fingerprint, ROC curves, decisions of three, copies,
 * programs, conditions, and how it was done. No script and no external resource; all text is escaped.
 */
export function renderLabReport(evaluation: Evaluation, report: LabReport): string {
  const { corpus } = report;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline'">
<title>Who did the work?</title><style>${REPORT_STYLE}${LAB_STYLE}</style></head>
<body><main><header><h1>How well does an execution trace tell who did the work?</h1>
<p class="sub">${corpus.runs.toLocaleString('en')} real runs of ${corpus.programs} programs (${corpus.jobs} jobs), ${Object.keys(report.cheats).length} cheats, ${evaluation.results.size} ways to compare. ${escapeMarkup(report.date)}. ${escapeMarkup(corpus.machines.join('; '))}.</p></header>
${[goals(report), detection(report), precedentSection(report), windowSection(report), rocs(evaluation, report), decisions(report), copies(report), honest(report), programs(report, evaluation), conditions(report, evaluation), engineSection(report), blockSection(report), METHOD].join('\n')}
</main></body></html>
`;
}

function goals(report: LabReport): string {
  const tiles = goalsOf(report).map(({ label, value, goal, met }) => `<div class="tile"><b>${escapeMarkup(value)}</b><span>${escapeMarkup(label)}</span>`
    + `${goal === undefined ? '' : `<span class="goal ${met ? 'met' : 'missed'}">${met ? '✓' : '✗'} ${escapeMarkup(goal)}</span>`}</div>`);
  return `<section><h2>What was promised, and what it came to</h2><p class="lead">Detection by the full fingerprint at 1 % false alarms; thresholds never come from the program that is tested.</p><div class="tiles">${tiles.join('')}</div></section>`;
}

function detection(report: LabReport): string {
  const { cheats } = report;
  const baselines = [...new Set(Object.values(cheats).flatMap((cheat) => Object.keys(cheat.baselines)))];
  const columns: readonly (readonly [head: string, of: (cheat: LabReport['cheats'][string]) => Detection | undefined])[] = [
    ['full', ({ full }) => full], ['full, refitted', ({ refitted }) => refitted], ['sketch', ({ sketch }) => sketch], ...Object.keys(report.precedents.byCount).map((count) => [`${count} earlier runs`, (cheat: LabReport['cheats'][string]) => cheat.precedents[count]] as const), ['full, strict', ({ strict }) => strict.full], ['sketch, strict', ({ strict }) => strict.sketch],
    ...baselines.map((name) => [name, (cheat: LabReport['cheats'][string]) => cheat.baselines[name]] as const),
  ];
  const table = (rate: (detection: Detection) => number | null, brief = false) => {
    const rows = Object.entries(cheats).map(([name, cheat]) => `<tr><td class="about">${escapeMarkup(name)}${brief ? '' : `<p>${escapeMarkup(cheat.about)}</p>`}</td>${columns.map(([, of]) => {
      const found = of(cheat);
      const value = found === undefined ? null : rate(found);
      return heatCell(value ?? undefined, found === undefined ? {} : { digits: 1, title: `95 % interval at 1 %: ${percent(found.ci[0])} to ${percent(found.ci[1])}; AUC ${found.auc.toFixed(3)}; EER ${percent(found.eer)}` });
    }).join('')}${brief ? '' : `<td><span class="ci">${percent(cheat.full.ci[0])} – ${percent(cheat.full.ci[1])}</span></td><td>${cheat.full.auc.toFixed(3)}</td>`}</tr>`);
    return `<div class="scroll"><table${brief ? ' class="compact"' : ''}><tr><th>cheat</th>${columns.map(([head]) => `<th class="mid">${escapeMarkup(head).replace(', ', ',<br>').replace(' on ', '<br>on ').replace(' prototype', '<br>prototype').replace(' hash', '<br>hash')}</th>`).join('')}${brief ? '' : '<th>full: interval</th><th>AUC</th>'}</tr>${rows.join('')}</table></div>`;
  };
  return `<section><h2>Caught, in percent, at 1 % false alarms</h2><p class="lead">Rows go from the laziest cheat to those that hold a true trace. Hover for intervals.</p>${table(({ at1pct }) => at1pct)}
<h3>At 0.1 % false alarms</h3>${table(({ at01pct }) => at01pct, true)}<h3>By the thresholds in use</h3>${table(({ deployed }) => deployed, true)}</section>`;
}

function rocs({ results, precedents }: Evaluation, { cheats }: LabReport): string {
  const plugins = [...results.entries(), ...[...precedents.byCount.values()].map((result) => [result.plugin.name, result] as const)].filter(([, { plugin }]) => plugin.kind !== 'blinded' && plugin.kind !== 'tried');
  const legend = plugins.map(([name, { plugin }], i) => {
    const { colour, width, dash } = LOOKS[i % LOOKS.length]!;
    return `<span title="${escapeMarkup(plugin.about)}"><svg width="26" height="8" aria-hidden="true"><line x1="0" x2="26" y1="4" y2="4" stroke="${colour}" stroke-width="${width}"${dash === undefined ? '' : ` stroke-dasharray="${dash}"`}/></svg>${escapeMarkup(name)}</span>`;
  });
  const charts = Object.keys(cheats).map((cheat) => rocChart(cheat, plugins.flatMap(([name, { cheats: found }], i): RocLine[] => {
    const roc = found.get(cheat)?.roc;
    return roc === undefined ? [] : [{ label: `${name}: AUC ${roc.auc.toFixed(3)}`, roc, ...LOOKS[i % LOOKS.length]! }];
  }).toReversed()));
  return `<section><h2>Every threshold: ROC curves</h2><p class="lead">How much is caught at how many false alarms, over all programs; false alarms on a logarithmic axis.</p><div class="legend">${legend.join('')}</div><div class="rocs">${charts.join('')}</div></section>`;
}

function decisions({ majority }: LabReport): string {
  return `<section><h2>Decisions of three replicas</h2><p class="lead">The rule in use, judged as a client judges and as the contract does. One cheat against a majority should lose; two accomplices are a majority themselves, and only drawing replicas at random keeps them out.</p>${decisionBars(majority)}</section>`;
}

function copies({ copies: { method, cheats } }: LabReport): string {
  const rows = Object.entries(cheats).map(([name, { at1pct, at01pct, ci, auc }]) => `<tr><td>${escapeMarkup(name)}</td>${heatCell(at1pct, { digits: 1 })}${heatCell(at01pct, { digits: 1 })}<td><span class="ci">${percent(ci[0])} – ${percent(ci[1])}</span></td><td>${auc.toFixed(3)}</td></tr>`);
  return `<section><h2>Copies: agreement beyond honest noise</h2><p class="lead">These hand in a true trace, so no distance can tell them. Each is compared with the run it was made from, by ${escapeMarkup(method)}.</p><div class="scroll"><table><tr><th>cheat</th><th class="mid">at 1 %</th><th class="mid">at 0.1 %</th><th>interval at 1 %</th><th>AUC</th></tr>${rows.join('')}</table></div></section>`;
}

function honest({ honest: result }: LabReport): string {
  const rows = Object.entries({ full: result, ...result.others }).map(([name, { falseAlarmRate, upper95, heldOut }]) => `<tr><td>${escapeMarkup(name)}</td><td>${percent(falseAlarmRate)}</td><td>${percent(upper95)}</td><td>${percent(heldOut.at1pct)}</td><td>${percent(heldOut.at01pct)}</td></tr>`);
  rows.push(`<tr><td>full, refitted</td><td></td><td></td><td>${percent(result.refitted.at1pct)}</td><td>${percent(result.refitted.at01pct)}</td></tr>`);
  const blocks = Object.entries(result.blocks).map(([name, share]) => `<span>${escapeMarkup(name)}</span><span><i style="width:${Math.min(100, (100 * share) / Math.max(...Object.values(result.blocks)))}%"></i></span><span>${percent(share)}</span>`);
  return `<section><h2>Honest pairs told apart</h2><div class="scroll"><table><tr><th>fingerprint</th><th>threshold in use</th><th>upper 95 % bound</th><th>promised 1 %</th><th>promised 0.1 %</th></tr>${rows.join('')}</table></div>
${blocks.length === 0 ? '' : `<h3>Blocks that alone would reject an honest pair</h3><div class="bars">${blocks.join('')}</div>`}</section>`;
}

function programs({ programs: rows, cheats }: LabReport, { programs: groups }: Evaluation): string {
  const names = Object.keys(cheats);
  const body = rows.map((row) => `<tr><td>${escapeMarkup(row.name)}${row.deterministic ? '' : ' <span class="ci">≈</span>'}</td><td>${row.pairs}</td><td${row.falseAlarms > 0 ? ' class="far"' : ''}>${row.falseAlarms}</td><td>${row.p99.toFixed(2)}</td>${names.map((name) => heatCell(row.cheats[name], { title: escapeMarkup(`${row.name}: ${name}`) })).join('')}</tr>`);
  return `<section><h2>By program</h2><p class="lead">Honest pairs, false alarms of the threshold in use, 99th percentile of the honest distance; then what the full fingerprint catches at 1 %. Programs marked ≈ never give the same output twice.</p>
<div class="scroll"><table class="compact turned"><tr><th>program</th><th>pairs</th><th>alarms</th><th>p99</th>${names.map((name) => `<th class="turn"><span>${escapeMarkup(name)}</span></th>`).join('')}</tr>${body.join('')}</table></div>
<h3>Equal error rates</h3>${eerTable(rows, names)}
<details><summary>ROC curves by program</summary>${groupRocs(groups)}</details></section>`;
}

function conditions({ conditions: rows, cheats }: LabReport, { conditions: groups }: Evaluation): string {
  const names = Object.keys(cheats);
  const body = rows.map((row) => `<tr><td>${escapeMarkup(row.name)}</td><td>${row.pairs}</td><td${row.falseAlarms > 0 ? ' class="far"' : ''}>${row.falseAlarms}</td><td>${row.median.toFixed(2)}</td><td>${row.p99.toFixed(2)}</td><td class="text">${escapeMarkup(row.worstBlock)}</td>${names.map((name) => heatCell(row.cheats[name], { title: escapeMarkup(`${row.name}: ${name}`) })).join('')}</tr>`);
  return `<section><h2>By condition</h2><p class="lead">Pairs in which either run had the condition; undisturbed: both had none.</p>
<div class="scroll"><table class="compact turned"><tr><th>condition</th><th>pairs</th><th>alarms</th><th>median</th><th>p99</th><th class="text">worst block</th>${names.map((name) => `<th class="turn"><span>${escapeMarkup(name)}</span></th>`).join('')}</tr>${body.join('')}</table></div>
<h3>Equal error rates</h3>${eerTable(rows, names)}
<h3>ROC curves</h3>${groupRocs(groups)}</section>`;
}

const METHOD = `<section><h2>How it was done</h2><ul class="notes">
<li>Runs are real: each program ran in the container engine under the product's own sampler, with less CPU, noisy neighbours, tight memory, cold caches and other sampling intervals.</li>
<li>A cheat is given what it could have and nothing more: its own partial runs, earlier public traces, a peer's trace where copying is assumed. What it hands in passes the same validation as any evidence.</li>
<li>Leave one program out: the threshold for a program comes from the honest pairs of all others, at the false-alarm rate stated. A program at another size is the same program. </li>
<li>The product's own tolerances and thresholds are fixed numbers, chosen by people who had seen runs of these programs. <i>Full, refitted</i> is the same fingerprint with every tolerance fitted anew without the program it is tested on: the fairer number.</li>
<li>Pairs of one program share its runs and are not independent. Intervals are the wider of Wilson's over pairs and a bootstrap that draws whole programs.</li>
<li>A trace is evidence, not proof: whoever holds a true trace of the very job passes every distance. Sealed commitments keep it from him; agreement beyond honest noise gives him away where they fail.</li>
</ul></section>`;

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
