import { readFile } from 'node:fs/promises';
import { LabError } from './corpus/errors.ts';
import { STATE_DIRECTORY } from './corpus/constants.ts';
import { record } from './corpus/record.ts';
import { readRuns } from './corpus/run-store.ts';
import { sample } from './corpus/sample.ts';
import { ATTACKS } from './attackers/attacks.ts';
import { LAB_ENGINES, type LabEngine } from './corpus/programs/program.ts';
import { labJobs } from './corpus/programs/programs.ts';
import { PLUGINS } from './evaluate/plugins.ts';
import { alarms } from './evaluate/alarms.ts';
import { documentTables } from './evaluate/document-tables.ts';
import { economicsCommand } from './economics/economics-command.ts';
import { REPORT_JSON, reportCommand } from './evaluate/report-command.ts';
import { labReportSchema } from './evaluate/report-schema.ts';
import { shardThrees } from './evaluate/shard-threes.ts';

/** Where runs are recorded to, and where the committed few of them are. */
export const RUNS_DIRECTORY = `${STATE_DIRECTORY}/runs`;
export const SAMPLE_DIRECTORY = 'lab/sample';

/** What the command line gave, as `parseArgs` gives it. */
export interface LabValues {
  runs?: string; sample?: boolean; program?: string[]; cheat?: string[]; 'only-fingerprint'?: string[]; 'runs-per-program'?: string; 'keep-outputs'?: boolean; engine?: string;
  out?: string; html?: string; json?: boolean; help?: boolean;
}

function engineOf(name = 'container'): LabEngine {
  const engine = LAB_ENGINES.find((one) => one === name);
  if (engine === undefined) throw new LabError('NAME_UNKNOWN', 'no such engine', { details: name, hint: LAB_ENGINES.join('; ') });
  return engine;
}

const directoryOf = ({ runs, sample: committed }: LabValues) => runs ?? (committed ? SAMPLE_DIRECTORY : RUNS_DIRECTORY);

export const LAB_OPTIONS: Record<string, { type: 'string' | 'boolean'; multiple?: true; short?: string; about: string }> = {
  runs: { type: 'string', about: `directory of recorded runs, ${RUNS_DIRECTORY} by default` },
  sample: { type: 'boolean', about: `take the committed runs in ${SAMPLE_DIRECTORY} instead` },
  program: { type: 'string', multiple: true, about: 'only this program or job; may be repeated' },
  cheat: { type: 'string', multiple: true, about: 'only this cheat; may be repeated' },
  'only-fingerprint': { type: 'string', multiple: true, about: 'only this fingerprint or baseline; may be repeated' },
  'runs-per-program': { type: 'string', about: 'honest runs to record of each job' },
  engine: { type: 'string', about: `engine to record by: ${LAB_ENGINES.join(', ')}; container by default` },
  'keep-outputs': { type: 'boolean', about: `keep each different output in ${STATE_DIRECTORY}/outputs, to try other profiles on` },
  out: { type: 'string', about: 'where the JSON report goes; lab/report.json for a whole report on recorded runs' },
  html: { type: 'string', about: 'where the HTML report goes; lab/report.html by default' },
  json: { type: 'boolean', about: 'print the JSON report instead of the tables' },
  help: { type: 'boolean', short: 'h', about: 'this' },
};

export const LAB_COMMANDS: Record<string, { about: string; run(values: LabValues, abortable: { signal: AbortSignal }): Promise<void> }> = {
  record: {
    about: 'run the programs and record what is not recorded yet; stops and goes on at any time',
    run: async (values, { signal }) => {
      await record({
        directory: values.runs ?? RUNS_DIRECTORY, signal,
        ...(values.program === undefined ? {} : { programs: values.program }),
        by: engineOf(values.engine),
        ...(values['keep-outputs'] === true ? { keepOutputs: true } : {}),
        ...(values['runs-per-program'] === undefined ? {} : { runsPerProgram: Number(values['runs-per-program']) }),
        onProgress: ({ done, total, what, wallMs, etaMs, failure }) => process.stderr.write(
          `${done}/${total} ${what} ${(wallMs / 1000).toFixed(1)} s, ${Math.ceil(etaMs / 60_000)} min left${failure === undefined ? '' : `\n  failed: ${failure}`}\n`),
      });
    },
  },
  report: {
    about: 'play all cheats against all fingerprints and write the report',
    run: (values, abortable) => reportCommand({ ...values, runs: directoryOf(values) }, abortable),
  },
  tables: {
    about: 'print the tables of docs/evidence.md from lab/report.json, or from the report that --out names',
    run: async ({ out }) => {
      process.stdout.write(documentTables(labReportSchema.parse(JSON.parse(await readFile(out ?? REPORT_JSON, 'utf8')))));
    },
  },
  alarms: {
    about: 'list every honest pair that the threshold in use tells apart, and by which blocks',
    run: async (values) => {
      const lines = alarms(await Array.fromAsync(readRuns(directoryOf(values))), values.program);
      process.stdout.write(`${lines.map((line) => `${line}\n`).join('')}${lines.length} honest pairs told apart\n`);
    },
  },
  shards: {
    about: 'who is told apart in one of n shards, whose threshold grows with n: honest runs and recorded cheats',
    run: async (values) => {
      const rows = shardThrees(await Array.fromAsync(readRuns(directoryOf(values))));
      const line = (what: string, threes: string, cells: readonly string[]) => `${what.padEnd(20)}${threes.padStart(8)}${cells.map((cell) => cell.padStart(10)).join('')}\n`;
      process.stdout.write(values.json === true ? `${JSON.stringify(rows)}\n` : [
        line('told apart, %, n =', 'threes', rows[0]!.told.map(({ shards }) => String(shards))),
        ...rows.map(({ what, threes, told }) => line(what, String(threes), told.map(({ share }) => (100 * share).toFixed(2)))),
      ].join(''));
    },
  },
  economics: {
    about: 'what honest and dishonest strategies earn under the contract\'s rules, and where those break',
    run: async ({ json }) => economicsCommand({ json: json === true }),
  },
  sample: {
    about: `choose the runs that are committed, from ${RUNS_DIRECTORY} to ${SAMPLE_DIRECTORY}`,
    run: async (values) => {
      const kept = await sample({ from: values.runs ?? RUNS_DIRECTORY, to: values.out ?? SAMPLE_DIRECTORY });
      process.stdout.write(`${kept} runs kept\n`);
    },
  },
  list: {
    about: 'name programs, cheats and fingerprints',
    run: async () => {
      const list = (title: string, rows: readonly (readonly [string, string])[]) => `${title}\n${rows.map(([name, about]) => `  ${name.padEnd(36)} ${about}`).join('\n')}\n`;
      process.stdout.write([
        list('Programs', labJobs().map(({ name, kind }) => [name, kind])),
        list('Cheats', ATTACKS.map(({ name, about }) => [name, about])),
        list('Fingerprints', PLUGINS.map(({ name, about }) => [name, about])),
      ].join('\n'));
    },
  },
};
