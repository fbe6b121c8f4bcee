import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { run } from 'node:test';
import { SUITES } from './suites.ts';
import { table, type TestResult } from './results.ts';

const HELP = `node test/nightly/in-slices.ts --report FILE [--with COMMAND] [--seconds N] [--again] [NAME…]

Runs the suites that take too long for every change, some tests at a time, and goes on where it was stopped: what has passed by the report is not run
again, but with --again. Names: ${Object.keys(SUITES).join(' ')}; all of them where none is given.

  --with COMMAND   each slice is run through this command, such as "nice -n 19"
  --seconds N      about how long a slice lasts; what was not done then is done in the next (600)

Example:
  node test/nightly/in-slices.ts --report .nightly/engines.json microvm
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { report: { type: 'string' }, with: { type: 'string', default: '' }, seconds: { type: 'string', default: '600' }, again: { type: 'boolean', default: false }, slice: { type: 'string' }, help: { type: 'boolean' } },
});
const unknown = positionals.filter((name) => SUITES[name] === undefined);
if (values.help === true || values.report === undefined || unknown.length > 0) {
  process.stdout.write(unknown.length > 0 ? `no such suite: ${unknown.join(' ')}\n` : HELP);
  process.exit(values.help === true ? 0 : 2);
}

if (values.slice !== undefined) {
  const [group] = positionals;
  const names = JSON.parse(values.slice) as string[];
  process.stdout.write(`${JSON.stringify(await tests(group!, names))}\n`);
  process.exit(0);
}

const known: TestResult[] = values.again ? [] : JSON.parse(await readFile(values.report, 'utf8').catch(() => '[]')) as TestResult[];
for (const group of positionals.length > 0 ? positionals : Object.keys(SUITES)) {
  // What every run has is run here already; the others are told by name.
  const all = await inProcess(group, []);
  const told = all.filter(({ verdict }) => verdict !== 'skipped');
  keep(told);
  const done = new Set(known.filter((one) => one.group === group && one.verdict === 'passed').map(({ name }) => name));
  const names = [...new Set(all.map(({ name }) => name))].filter((name) => !done.has(name));
  while (names.length > 0) {
    const results = await inProcess(group, names);
    // A slice that gets nowhere has met a test that takes longer than it, or a file that cannot be run.
    if (results.length === 0) results.push({ group, name: names[0]!, verdict: 'failed', ms: Number(values.seconds) * 1000 });
    for (const { name } of results) if (names.includes(name)) names.splice(names.indexOf(name), 1);
    keep(results);
    await writeFile(values.report, `${JSON.stringify(known, null, 2)}\n`);
  }
}
process.stdout.write(`${table(known)}\n`);
process.exit(known.some(({ verdict, group }) => verdict !== 'passed' && SUITES[group] !== undefined) ? 1 : 0);

/** Takes results over those there were. */
function keep(results: readonly TestResult[]): void {
  for (const result of results) {
    const { group, name, verdict, ms } = result;
    const before = known.findIndex((one) => one.group === group && one.name === name);
    if (before >= 0) known.splice(before, 1);
    known.push(result);
    process.stdout.write(`${verdict.padEnd(7)} ${(ms / 1000).toFixed(1).padStart(6)} s  ${group}: ${name}\n`);
  }
}

/** Results of one suite's tests: of those named, or, where none is, of all as every run has them. */
async function tests(group: string, names: readonly string[]): Promise<TestResult[]> {
  const { files, env } = SUITES[group]!;
  if (names.length > 0) Object.assign(process.env, env);
  const results: TestResult[] = [];
  const path: string[] = [];
  const over = names.length === 0 ? new AbortController().signal : AbortSignal.timeout(Number(values.seconds) * 1000);
  const end = (verdict: TestResult['verdict'], { name, nesting, details, skip }: { name: string; nesting: number; details: { duration_ms: number; type?: string; error?: Error }; skip?: string | boolean | undefined }) => {
    if (details.type === 'suite' || over.aborted) return;
    const cause = details.error?.cause;
    if (verdict === 'failed') process.stderr.write(`${name}: ${cause instanceof Error ? cause.stack ?? cause.message : String(cause)}\n`);
    results.push({ group, name: [...path.slice(0, nesting), name].join(' '), verdict: skip === undefined || skip === false ? verdict : 'skipped', ms: details.duration_ms });
  };
  const stream = run({
    files: files.map((file) => new URL(`../../${file}`, import.meta.url).pathname), concurrency: 1, signal: over,
    ...(names.length === 0 ? {} : { testNamePatterns: names.map((name) => new RegExp(`^${name.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')}$`)) }),
  });
  stream.on('test:start', ({ name, nesting }) => { path[nesting] = name; });
  stream.on('test:pass', (event) => end('passed', event as never));
  stream.on('test:fail', (event) => end('failed', event as never));
  stream.on('test:stderr', ({ message }) => process.stderr.write(message));
  stream.resume();
  await once(stream, 'end');
  return results;
}

async function inProcess(group: string, names: string[]): Promise<TestResult[]> {
  const words = [...values.with.split(' ').filter(Boolean), process.execPath, import.meta.filename, '--report', values.report!, '--seconds', values.seconds, '--slice', JSON.stringify(names), group];
  const child = spawn(words[0]!, words.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => { text += piece; });
  await once(child, 'close');
  try {
    return JSON.parse(text) as TestResult[];
  } catch {
    process.stderr.write(text);
    return [];
  }
}
