import { readFile, writeFile } from 'node:fs/promises';
import { table, type TestResult } from '../nightly/results.ts';

// node report.ts LOG FILE.json: what an emulated machine's console says of each test.

const [log = '', file = ''] = process.argv.slice(2);
const results: TestResult[] = [];
let group = '';
let suites = new Set<string>();
let summary = false;
for (const line of (await readFile(log, 'utf8')).split(/\r?\n/)) {
  const begins = /^CASE (\S+) begins/.exec(line);
  if (begins) {
    [group, suites, summary] = [begins[1]!, new Set(), false];
    continue;
  }
  const suite = /^\s*▶ (.*?)\s*$/.exec(line)?.[1];
  if (suite !== undefined) suites.add(suite);
  // What failed is told again, with its reason.
  if (line.includes('failing tests:')) summary = true;
  const [, mark, name, ms] = /^\s*(✔|✖|﹣) (.*) \(([\d.]+)ms\)/.exec(line) ?? [];
  if (mark === undefined || group === '' || summary || suites.has(name!)) continue;
  results.push({ group, name: name!, verdict: mark === '✔' ? 'passed' : mark === '✖' ? 'failed' : 'skipped', ms: Number(ms) });
}
await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
process.stdout.write(`${table(results)}\n`);
