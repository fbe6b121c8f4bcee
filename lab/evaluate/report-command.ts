import { mkdir, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { ATTACKS } from '../attackers/attacks.ts';
import { LabError } from '../corpus/errors.ts';
import type { LabRun } from '../corpus/lab-run.ts';
import { readRuns } from '../corpus/run-store.ts';
import { evaluate, type EvaluateInit } from './evaluate.ts';
import { renderLabReport } from './html/render-lab-report.ts';
import { PLUGINS } from './plugins.ts';
import { reportOf } from './report-of.ts';
import { textTables } from './text-tables.ts';

/** Files of a whole report on recorded runs. */
export const REPORT_JSON = 'lab/report.json';
const REPORT_HTML = 'lab/report.html';

export interface ReportOptions {
  /** Directory of runs. */
  runs: string;
  sample?: boolean;
  program?: string[];
  cheat?: string[];
  'only-fingerprint'?: string[];
  out?: string;
  html?: string;
  json?: boolean;
}

/**
 * Reads runs, evaluates and writes the reports. A report of everything goes to lab/report.html, and on recorded runs, not on the sample, to
 * lab/report.json; one that is filtered only where it is told to, and one without some fingerprint is printed as tables.
 *
 * @throws LabError RUNS_MISSING, NAME_UNKNOWN, RUNS_MALFORMED
 */
export async function reportCommand(options: ReportOptions, { signal }: { signal: AbortSignal }): Promise<void> {
  const began = performance.now();
  const say = (line: string) => process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);
  const attacks = choose('cheat', ATTACKS, options.cheat);
  const plugins = choose('fingerprint', PLUGINS, options['only-fingerprint']);
  const runs: LabRun[] = [];
  say(`reading ${options.runs}`);
  if (!existsSync(options.runs)) throw new LabError('RUNS_MISSING', 'there are no runs', { details: options.runs, hint: 'npm run lab -- record, or --sample' });
  for await (const run of readRuns(options.runs)) {
    signal.throwIfAborted();
    runs.push(run);
  }
  const evaluation = await evaluate(runs, { attacks, plugins, onProgress: say, ...(options.program === undefined ? {} : { programs: options.program }) } satisfies EvaluateInit);
  if (evaluation.jobs.length === 0) throw new LabError('RUNS_MISSING', 'there are too few runs for a report', { details: `${runs.length} in ${options.runs}`, hint: 'npm run lab -- record, or --sample' });
  const complete = plugins.length === PLUGINS.length;
  const whole = complete && attacks.length === ATTACKS.length && options.program === undefined;
  if (!options.json) process.stdout.write(textTables(evaluation));
  if (!complete) return;
  const report = reportOf(evaluation, new Date());
  const text = `${JSON.stringify(report, null, 1)}\n`;
  if (options.json) process.stdout.write(text);
  const out = options.out ?? (whole && !options.sample ? REPORT_JSON : undefined);
  if (out !== undefined) await save(out, text, say);
  const html = options.html ?? (whole ? REPORT_HTML : undefined);
  if (html !== undefined) await save(html, renderLabReport(evaluation, report), say);
}

async function save(path: string, text: string, say: (line: string) => void): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  say(`wrote ${path}`);
}

function choose<T extends { name: string }>(what: string, all: readonly T[], names: readonly string[] | undefined): readonly T[] {
  const unknown = names?.find((name) => !all.some((one) => one.name === name));
  if (unknown !== undefined) throw new LabError('NAME_UNKNOWN', `no such ${what}`, { details: unknown, hint: all.map(({ name }) => name).join('; ') });
  return names === undefined ? all : all.filter(({ name }) => names.includes(name));
}
