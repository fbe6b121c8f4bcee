import { escapeMarkup } from '../../../src/evidence/plot/escape-markup.ts';
import type { LabReport } from '../report-schema.ts';
import { heatCell } from './heat-cell.ts';

type Cheats = LabReport['cheats'];
type Detection = Cheats[string]['full'];

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const scroll = (rows: string) => `<div class="scroll"><table class="compact">${rows}</table></div>`;
const cell = (found: Detection | null | undefined) => heatCell(found?.at1pct, found ? { digits: 1, title: `95 % interval: ${percent(found.ci[0])} to ${percent(found.ci[1])}; AUC ${found.auc.toFixed(3)}; EER ${percent(found.eer)}` } : {});

/** Detection by some of the ways to compare, one column each, beside the full fingerprint. */
function columns(cheats: Cheats, names: readonly string[], of: (cheat: Cheats[string], name: string) => Detection | null | undefined, first = true): string {
  const rows = Object.entries(cheats).map(([name, cheat]) => `<tr><td>${escapeMarkup(name)}</td>${first ? cell(cheat.full) : ''}${names.map((column) => cell(of(cheat, column))).join('')}</tr>`);
  return scroll(`<tr><th>cheat</th>${first ? '<th class="mid">full</th>' : ''}${names.map((name) => `<th class="mid">${escapeMarkup(name)}</th>`).join('')}</tr>${rows.join('')}`);
}

/** Single runs beside earlier ones of the same work. */
export function precedentSection({ precedents, cheats }: LabReport): string {
  const counts = Object.entries(precedents.byCount);
  if (counts.length === 0) return '';
  const rows = counts.map(([count, { jobs, comparisons, heldOut, ci, deployed }]) => `<tr><td>${count} earlier runs</td><td>${jobs}</td><td>${comparisons.toLocaleString('en')}</td><td>${percent(heldOut.at1pct)}</td><td><span class="ci">${percent(ci[0])} – ${percent(ci[1])}</span></td><td>${percent(heldOut.at01pct)}</td><td>${percent(deployed)}</td></tr>`);
  return `<section><h2>One run, no peer: beside earlier ones of the same work</h2><p class="lead">What a client can say of a single replica, or of two that disagree, when it has seen the work done before: each block against what is usual in the class, shrunk towards what is usual among all other programs. Detection at 1 % false alarms.</p>
${columns(cheats, counts.map(([count]) => `${count} earlier`), (cheat, name) => cheat.precedents[name.split(' ')[0]!])}
<h3>Honest runs called strange</h3>${scroll(`<tr><th></th><th>jobs</th><th>runs held against draws</th><th>promised 1 %</th><th>95 % interval</th><th>promised 0.1 %</th><th>by the limit in use</th></tr>${rows.join('')}`)}</section>`;
}

const WAYS: Record<string, string> = {
  growing: 'claims an honest growth, makes up the hashes it cannot know', told: 'was told the hash of each whole file, too', 'held back': 'was told, and claims the rest was written at the very end',
};

/** Nodes that name a result they do not have. */
export function windowSection({ windows: { jobs, growing, honest, upper95, caught } }: LabReport): string {
  if (jobs === 0) return '';
  const shares = [...new Set(caught.map(({ share }) => share))];
  const rows = Object.entries(WAYS).map(([way, about]) => `<tr><td class="about">${escapeMarkup(way)}<p>${escapeMarkup(about)}</p></td>${shares.map((share) => {
    const found = caught.find((one) => one.way === way && one.share === share);
    return heatCell(found?.rate, found === undefined ? {} : { digits: 1, title: `95 % interval ${percent(found.ci[0])} to ${percent(found.ci[1])}` });
  }).join('')}</tr>`);
  return `<section><h2>Opened windows: the right result named, not yet at hand</h2><p class="lead">A node commits to the right result's name and trace but has a part of the bytes only; the drawn windows are opened and held against the result, by the product's own code. In ${growing} of ${jobs} jobs some of the output is there before the end. Honest runs contradicted: ${percent(honest)} (at most ${percent(upper95)}).</p>
<div class="scroll"><table><tr><th>what it says</th>${shares.map((share) => `<th class="mid">has ${100 * share} %</th>`).join('')}</tr>${rows.join('')}</table></div></section>`;
}

/** Blocks and channels: what would be gained, what is lost. */
export function blockSection({ cheats, disturbance }: LabReport): string {
  const all = Object.values(cheats);
  const tried = [...new Set(all.flatMap((cheat) => Object.keys(cheat.tried)))];
  const blinded = [...new Set(all.flatMap((cheat) => Object.keys(cheat.blinded)))];
  return `<section><h2>Blocks that were tried</h2><p class="lead">Signal processing's usual suspects, each by itself at 1 % false alarms. None is in use.</p>${columns(cheats, tried, (cheat, name) => cheat.tried[name])}
<h3>What missing channels cost</h3>${columns(cheats, blinded, (cheat, name) => cheat.blinded[name])}
${disturbance === null ? '' : `<p class="lead">Noise of the recording: a fixed loop beside each run took ${disturbance.median.toFixed(2)} times its fastest at the median, ${disturbance.p90.toFixed(2)} in one run of ten, ${disturbance.max.toFixed(2)} at most. Honest CPU times of one job spread by ${disturbance.cpuSpread.toFixed(2)} octaves (standard deviation, median over jobs), by ${disturbance.cpuSpreadScaled.toFixed(2)} when divided by the loop's.</p>`}</section>`;
}

/** Engines other than the container. */
export function engineSection({ engines }: LabReport): string {
  return engines.map(({ engine, jobs, runs, channels, honest, beside, cheats }) => {
    const rows = Object.entries(cheats).map(([name, found]) => `<tr><td>${escapeMarkup(name)}</td>${cell(found.full)}${cell(found.precedents)}</tr>`);
    return `<section><h2>Engine ${escapeMarkup(engine)}</h2><p class="lead">${jobs} jobs, ${runs} honest runs; channels: ${escapeMarkup(channels.join(', '))}. Honest pairs told apart: ${percent(honest.falseAlarmRate)} of ${honest.pairs} (at most ${percent(honest.upper95)})${beside === null ? '' : `; beside runs in the container: ${percent(beside.falseAlarmRate)} of ${beside.pairs}`}.</p>
${scroll(`<tr><th>cheat</th><th class="mid">full</th><th class="mid">5 earlier</th></tr>${rows.join('')}`)}</section>`;
  }).join('\n');
}

/** Equal error rates of the full fingerprint by group. */
export function eerTable(groups: LabReport['conditions'], names: readonly string[]): string {
  const body = groups.map((group) => `<tr><td>${escapeMarkup(group.name)}</td>${names.map((name) => {
    const eer = group.eer[name];
    // Few errors are as good as many detections.
    return eer === undefined ? '<td></td>' : heatCell(Math.max(0, 1 - 2 * eer), { title: escapeMarkup(`${group.name}: ${name}, EER ${percent(eer)}`), text: (100 * eer).toFixed(0) });
  }).join('')}</tr>`);
  return `<div class="scroll"><table class="compact turned"><tr><th>EER, percent</th>${names.map((name) => `<th class="turn"><span>${escapeMarkup(name)}</span></th>`).join('')}</tr>${body.join('')}</table></div>`;
}
