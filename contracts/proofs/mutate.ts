// Changes the contracts in every small way and looks whether a test notices.
//   node contracts/proofs/mutate.ts [--match REGEX] [--shard I/N] [--limit N] [--seconds N] [--report FILE]
// Results are kept in contracts/cache/mutation and gone on with; a change of contracts or tests begins anew (of tests alone with --keep: survivors only).
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { drive, forge, type Told } from './mutation/drive.ts';
import { schemataOf, type Mutant } from './mutation/mutants.ts';
import { scoreOf } from './mutation/score.ts';
import { prepare, save, WORKSPACE } from './mutation/workspace.ts';
import { astOf, sourcesOf } from './solidity-ast.ts';

const ROOTS = ['contracts/src/Scheduler.sol', 'contracts/src/Disputes.sol', 'contracts/src/Checks.sol', 'contracts/src/GadusCoin.sol', 'contracts/src/randomness/BlockHashRandomness.sol', 'contracts/src/randomness/DrandRandomness.sol'];
/** Mutants in one run of the driver: its start costs seconds, and what is under way when it is stopped is lost. */
const BATCH = 8;
const OF_LIBRARIES = /:LibrariesTest$/;
/** Lines within which a test that killed one mutant is expected to kill another. */
const NEAR_LINES = 30;

const { values: options } = parseArgs({ options: {
  match: { type: 'string' }, shard: { type: 'string', default: '0/1' }, limit: { type: 'string' }, seconds: { type: 'string' }, report: { type: 'string' },
  keep: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
} });
if (options.help) {
  process.stdout.write(`Mutation test of the contracts.
  --match REGEX   only mutants whose "path:line operator" matches, e.g. 'Ending|PartyLib'
  --shard I/N     every Nth mutant, from the Ith on
  --limit N       no more than N mutants
  --seconds N     begin no mutants after N seconds; those that need fuzzing are fuzzed all the same
  --keep          tests changed: keep what was killed, try the survivors again
  --report FILE   write score and survivors as JSON
`);
  process.exit();
}

const all = sourcesOf(ROOTS);
const paths = Object.keys(all).filter((path) => path.startsWith('contracts/src/') && !/\/interfaces\/|GadusCoin/.test(path)).sort();
const { sources, mutants } = schemataOf(all, astOf(all), paths);
const results = await prepare(sources, options.keep, say);
const [shard, shards] = options.shard.split('/').map(Number) as [number, number];
const deadline = performance.now() + 1000 * Number(options.seconds ?? 1e9);
const chosen = mutants
  .filter((mutant) => new RegExp(options.match ?? '').test(`${mutant.path}:${mutant.line} ${mutant.operator}`))
  .filter(({ id }) => id % shards === shard)
  .filter((mutant) => results.outcomes[keyOf(mutant)] === undefined)
  // Wherever it stops, what has been tried is an even sample: steps of the golden ratio around all mutants.
  .sort((a, b) => placeOf(a) - placeOf(b))
  .slice(0, Number(options.limit ?? mutants.length));
say(`${mutants.length} mutants; ${chosen.length} to try`);
/** That survived all calls: what fuzzing says of them takes a hundred times as long, and comes last. */
const pending: Mutant[] = [];
for (let at = 0; at < chosen.length && performance.now() < deadline; at += BATCH) {
  const batch = chosen.slice(at, at + BATCH);
  const started = performance.now();
  const told = await drive(WORKSPACE, results.suites, batch.map(({ id }) => id), batch.map(orderFor));
  for (const mutant of batch) {
    const end = told.find(({ mutant: id, what }) => id === mutant.id && what !== 'start')!;
    if (end.what === 'killed') results.outcomes[keyOf(mutant)] = { outcome: 'killed', by: nameOf(end) };
    else pending.push(mutant);
  }
  save(results);
  say(`${at + batch.length}/${chosen.length}, ${Math.round((performance.now() - started) / batch.length)} ms each`);
}
for (const [i, mutant] of pending.entries()) {
  const killer = await fuzzed(mutant);
  results.outcomes[keyOf(mutant)] = killer === undefined ? { outcome: 'survived' } : { outcome: 'killed', by: killer };
  save(results);
  say(`${i + 1} of ${pending.length} that calls do not kill, ${killer === undefined ? 'survived' : 'killed by fuzzing'}: ${describe(mutant)}`);
}
report();

/** What kills others near it comes first, of equals the cheapest. The vectors of libraries take longest, and call nothing else. */
function orderFor({ path, line }: Mutant): number[] {
  const chances = new Map<string, number>();
  for (const other of mutants) {
    const by = results.outcomes[keyOf(other)]?.by?.split(' ')[0];
    if (other.path === path && by !== undefined) chances.set(by, (chances.get(by) ?? 0) + Math.exp(-Math.abs(other.line - line) / NEAR_LINES));
  }
  const { suites } = results;
  const rank = (i: number): number => (0.05 + (chances.get(suites[i]!.artifact) ?? 0)) / suites[i]!.costMs;
  return [...suites.keys()].filter((i) => path.includes('/libraries/') || !OF_LIBRARIES.test(suites[i]!.artifact)).sort((a, b) => rank(b) - rank(a));
}

/** By what forge finds a mutant that survived all calls, if it does. */
async function fuzzed({ id, path }: Mutant): Promise<string | undefined> {
  const { ok } = await forge(WORKSPACE, id, ['test', '--fail-fast', '--match-test', '^(testFuzz|invariant)', '--no-match-contract', `^(Gas|Deployment${path.includes('/libraries/') ? '' : '|Libraries'})Test$`]);
  return ok ? undefined : 'fuzzing';
}

function nameOf({ suite, call }: Told): string {
  const found = results.suites[suite]!;
  return call < 0 ? 'hung' : `${found.artifact} ${found.names[call] ?? 'setUp'}`;
}

/** Score by file, and every survivor. */
function report(): void {
  const files = new Map<string, { killed: number; tried: number; mutants: number }>();
  const survivors: Mutant[] = [];
  for (const mutant of mutants) {
    const outcome = results.outcomes[keyOf(mutant)]?.outcome;
    const file = files.get(mutant.path) ?? { killed: 0, tried: 0, mutants: 0 };
    files.set(mutant.path, { killed: file.killed + Number(outcome === 'killed'), tried: file.tried + Number(outcome !== undefined), mutants: file.mutants + 1 });
    if (outcome === 'survived') survivors.push(mutant);
  }
  for (const [path, { killed, tried, mutants: count }] of files) say(`${path}: ${killed} of ${tried} killed (${count} mutants)`);
  const sum = [...files.values()].reduce((total, file) => ({ killed: total.killed + file.killed, tried: total.tried + file.tried }), { killed: 0, tried: 0 });
  const { score, low, high } = scoreOf(sum.killed, sum.tried);
  say(`all: ${sum.killed} of ${sum.tried} killed, ${score} % (95 % interval ${low} to ${high})`);
  for (const mutant of survivors) say(`survived: ${describe(mutant)}`);
  if (options.report !== undefined) writeFileSync(options.report, `${JSON.stringify({ mutants: mutants.length, ...sum, score, low, high, files: Object.fromEntries(files), survivors }, undefined, 2)}\n`);
}

/** From 0 to 1; those of any stretch are spread evenly over the sources (a Kronecker sequence turned round). */
function placeOf({ id }: Mutant): number {
  return id * (Math.sqrt(5) - 1) / 2 % 1;
}

function describe({ path, line, operator, from, to }: Mutant): string {
  return `${path}:${line} ${operator}: ${from} -> ${to === '' ? '(nothing)' : to}`;
}

/** What a mutant is called whatever else changes in other files. */
function keyOf({ id, path, line, operator, from, to }: Mutant): string {
  return `${id} ${path}:${line} ${operator} ${from} -> ${to}`;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
