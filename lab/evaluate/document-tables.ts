import { goalsOf } from './html/goals.ts';
import type { LabReport } from './report-schema.ts';

type Cheat = LabReport['cheats'][string];

/** Cheats that say most about channels and blocks. */
const TELLING: readonly string[] = ['flat', 'another program', 'half of the input, extrapolated', '90 % of the input, extrapolated', 'half of the work', 'other input of equal size', 'reversed'];

/** The tables of docs/evidence.md and what was promised beside what it came to, in Markdown, from a report. */
export function documentTables(report: LabReport): string {
  const { honest, majority, copies, precedents, windows, engines, corpus, cheats } = report;
  const counts = Object.keys(precedents.byCount);
  const shares = [...new Set(windows.caught.map(({ share }) => share))];
  const columns = [...names(cheats, 'tried'), ...names(cheats, 'blinded')];
  return `${[
    `${corpus.runs.toLocaleString('en')} runs, ${corpus.programs} programs, ${corpus.jobs} jobs. Told apart by the rule in use: ${percent(honest.falseAlarmRate)} % of ${honest.pairs.toLocaleString('en')} honest pairs, at most ${percent(honest.upper95)} %; `
      + `promised 1 % on the other programs: ${percent(honest.heldOut.at1pct)} %, refitted ${percent(honest.refitted.at1pct)} %${counts.map((count) => `, beside ${count} earlier runs ${percent(precedents.byCount[count]!.heldOut.at1pct)} % (${precedents.byCount[count]!.jobs} jobs)`).join('')}.`,
    table(['cheat', 'pair', 'pair, refitted', '2022 prototype', 'DTW', 'in threes', ...counts.map((count) => `${count} earlier`), 'as a copy'], Object.entries(cheats).map(([name, cheat]) => [
      name, cheat.full, cheat.refitted, cheat.baselines['2022 prototype'], cheat.baselines['DTW on CPU time'], majority.cheats[name]?.one.client.right, ...counts.map((count) => cheat.precedents[count]), copies.cheats[name],
    ])),
    ...(windows.jobs === 0 ? [] : [table(['what it says of the rest', ...shares.map((share) => `has ${100 * share} %`)], [...new Set(windows.caught.map(({ way }) => way))].map((way) => (
      [way, ...shares.map((share) => windows.caught.find((one) => one.way === way && one.share === share)?.rate)])))]),
    table(['cheat', 'full', ...columns], TELLING.filter((name) => cheats[name] !== undefined).map((name) => [name, cheats[name]!.full, ...columns.map((column) => cheats[name]!.tried[column] ?? cheats[name]!.blinded[column])])),
    ...engines.map(({ engine, jobs, runs, honest: own, beside, cheats: found }) => [
      `Engine ${engine}: ${jobs} jobs, ${runs} honest runs; told apart ${percent(own.falseAlarmRate)} % of ${own.pairs} honest pairs${beside === null ? '' : `, ${percent(beside.falseAlarmRate)} % of ${beside.pairs} beside the container`}.`,
      table(['cheat', 'pair', '5 earlier'], Object.entries(found).map(([name, { full, precedents: past }]) => [name, full, past])),
    ].join('\n\n')),
    table(['promised', 'came to', 'goal', 'met'], goalsOf(report).map(({ label, value, goal, met }) => [label, value, goal ?? '', met === undefined ? '' : met ? 'yes' : '**no**'])),
  ].join('\n\n')}\n`;
}

type Cell = string | number | { at1pct: number } | null | undefined;

function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map((cells) => line(cells.map(text)))].join('\n');
}

function text(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  return typeof cell === 'string' ? cell : percent(typeof cell === 'number' ? cell : cell.at1pct);
}

function names(cheats: Record<string, Cheat>, of: 'tried' | 'blinded'): string[] {
  return [...new Set(Object.values(cheats).flatMap((cheat) => Object.keys(cheat[of])))];
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}
