// Changes the contracts in every small way and looks whether a test notices.
//   node contracts/proofs/mutate.ts [--match REGEX] [--shard I/N] [--limit N] [--seconds N] [--report FILE]
// Results are kept in contracts/cache/mutation and gone on with; a change of contracts or tests begins anew (of tests alone with --keep: survivors only).
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { astOf, ROOT, sourcesOf } from './solidity-ast.ts';
import { schemataOf, type Mutant } from './mutants.ts';

const WORKSPACE = join(ROOT, 'contracts/cache/mutation');
const ROOTS = ['contracts/src/Scheduler.sol', 'contracts/src/Disputes.sol', 'contracts/src/Checks.sol', 'contracts/src/GadusCoin.sol', 'contracts/src/randomness/BlockHashRandomness.sol', 'contracts/src/randomness/DrandRandomness.sol'];
/** Gas and size are those of the optimized contracts. */
const NOT_FOR_MUTANTS = '^(Gas|Deployment)Test$';
const QUICK = `${NOT_FOR_MUTANTS}|^InvariantsTest$`;
/** Calls libraries and nothing else, and takes longest: not for mutants outside them. */
const OF_LIBRARIES = '^LibrariesTest$';
/** Longest run of the tests with one mutant, ms: many times that of the original; a loop without end is noticed, too. */
const TIMEOUT_MS = 120_000;

type Outcome = 'killed' | 'survived';
interface Results { digest: string; excluded: string[]; outcomes: Record<string, Outcome> }

const { values: options } = parseArgs({ options: {
  match: { type: 'string' }, shard: { type: 'string', default: '0/1' }, limit: { type: 'string' }, seconds: { type: 'string' }, report: { type: 'string' },
  keep: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
} });
if (options.help) {
  process.stdout.write(`Mutation test of the contracts.
  --match REGEX   only mutants whose "path:line operator" matches, e.g. 'SchedulerBase|PartyLib'
  --shard I/N     every Nth mutant, from the Ith on
  --limit N       no more than N mutants
  --seconds N     begin no mutant after N seconds
  --keep          tests changed: keep what was killed, try the survivors again
  --report FILE   write score and survivors as JSON
`);
  process.exit();
}

const all = sourcesOf(ROOTS);
const paths = Object.keys(all).filter((path) => path.startsWith('contracts/src/') && !/\/interfaces\/|GadusCoin/.test(path)).sort();
const { sources, mutants } = schemataOf(all, astOf(all), paths);
const results = await prepare();
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
// Else every mutant would seem killed.
if (await outcomeOf({ id: 0, path: 'contracts/src/Scheduler.sol' }) === 'killed') throw new Error('the tests fail without a mutant');
for (const [done, mutant] of chosen.entries()) {
  if (performance.now() > deadline) break;
  const started = performance.now();
  const outcome = await outcomeOf(mutant);
  results.outcomes[keyOf(mutant)] = outcome;
  writeFileSync(join(WORKSPACE, 'results.json'), JSON.stringify(results, undefined, 1));
  if (outcome === 'survived' || done % 20 === 0) say(`${done + 1}/${chosen.length} ${Math.round(performance.now() - started)} ms ${outcome}: ${describe(mutant)}`);
}
report();

/** Lays out a project of all mutants and compiles it, unless that has been done; finds tests that fail without any mutant. */
async function prepare(): Promise<Results> {
  const tests = readdirSync(join(ROOT, 'contracts/test'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.sol')).sort();
  const digest = createHash('sha256').update(JSON.stringify(sources));
  for (const name of tests) digest.update(readFileSync(join(ROOT, 'contracts/test', name)));
  const hash = digest.digest('hex');
  const file = join(WORKSPACE, 'results.json');
  const known = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as Results : undefined;
  if (known?.digest === hash) return known;
  rmSync(join(WORKSPACE, 'contracts/test'), { recursive: true, force: true });
  mkdirSync(WORKSPACE, { recursive: true });
  cpSync(join(ROOT, 'contracts/src'), join(WORKSPACE, 'contracts/src'), { recursive: true });
  cpSync(join(ROOT, 'contracts/test'), join(WORKSPACE, 'contracts/test'), { recursive: true });
  // A number of runs that a test names itself would stand against the few of FOUNDRY_FUZZ_RUNS.
  for (const name of tests) {
    const text = readFileSync(join(ROOT, 'contracts/test', name), 'utf8');
    writeFileSync(join(WORKSPACE, 'contracts/test', name), text.replace(/^ *\/\/\/ forge-config: default\.fuzz\.runs.*\n/gm, ''));
  }
  cpSync(join(ROOT, 'contracts/solc.mjs'), join(WORKSPACE, 'contracts/solc.mjs'));
  cpSync(join(ROOT, 'test/conformance/vectors'), join(WORKSPACE, 'test/conformance/vectors'), { recursive: true });
  for (const [path, text] of Object.entries(sources)) {
    mkdirSync(dirname(join(WORKSPACE, path)), { recursive: true });
    writeFileSync(join(WORKSPACE, path), text);
  }
  if (!existsSync(join(WORKSPACE, 'node_modules'))) symlinkSync(join(ROOT, 'node_modules'), join(WORKSPACE, 'node_modules'));
  const settings = readFileSync(join(ROOT, 'foundry.toml'), 'utf8')
    .replace(/^optimizer = true$/m, 'optimizer = false')
    .replace(/^via_ir = true$/m, 'via_ir = true\ncode_size_limit = 1000000\ngas_limit = 4000000000');
  writeFileSync(join(WORKSPACE, 'foundry.toml'), settings);
  say('compiling all mutants at once (minutes)');
  const excluded: string[] = [];
  const { output } = await forge(0, ['--json', '--no-match-contract', NOT_FOR_MUTANTS], 1_800_000);
  const suites = JSON.parse(output.slice(output.indexOf('{'))) as Record<string, { test_results: Record<string, { status: string }> }>;
  let count = 0;
  for (const { test_results: found } of Object.values(suites)) {
    for (const [name, { status }] of Object.entries(found)) {
      count++;
      if (status === 'Failure') excluded.push(name.replace(/\(.*/, ''));
    }
  }
  say(`${count} tests; ${excluded.length} fail without a mutant, for they measure gas: ${excluded.join(', ')}`);
  if (excluded.length * 20 > count) throw new Error('too many tests fail without a mutant');
  const outcomes = options.keep && known !== undefined ? Object.fromEntries(Object.entries(known.outcomes).filter(([, outcome]) => outcome === 'killed')) : {};
  const fresh: Results = { digest: hash, excluded, outcomes };
  writeFileSync(file, JSON.stringify(fresh, undefined, 1));
  return fresh;
}

async function outcomeOf({ id, path }: Pick<Mutant, 'id' | 'path'>): Promise<Outcome> {
  const without = results.excluded.length === 0 ? [] : ['--no-match-test', `^(${results.excluded.join('|')})\\(`];
  const rounds = [['--no-match-contract', `${QUICK}|${OF_LIBRARIES}`], ...path.includes('/libraries/') ? [['--match-contract', OF_LIBRARIES]] : [], ['--match-contract', '^InvariantsTest$']];
  for (const round of rounds) {
    const { ok } = await forge(id, ['--fail-fast', ...round, ...without], TIMEOUT_MS);
    if (!ok) return 'killed';
  }
  return 'survived';
}

/** Runs tests with a mutant. */
async function forge(id: number, args: readonly string[], timeoutMs: number): Promise<{ ok: boolean; output: string }> {
  const coinbase = `0x${id.toString(16).padStart(40, '0')}`;
  const child = spawn(join(ROOT, 'scripts/forge.sh'), ['test', ...args], {
    cwd: WORKSPACE, env: { ...process.env, FOUNDRY_BLOCK_COINBASE: coinbase, FOUNDRY_FUZZ_RUNS: '24', FOUNDRY_INVARIANT_RUNS: '4', FOUNDRY_INVARIANT_SHRINK_RUN_LIMIT: '0' }, stdio: ['ignore', 'pipe', 'ignore'], timeout: timeoutMs, killSignal: 'SIGKILL',
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => { output += piece; });
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  // Forge exits with 0 where --fail-fast cut it short.
  return { ok: code === 0 && !output.includes('[FAIL'), output };
}

/** Score by file, and every survivor. */
function report(): void {
  const files = new Map<string, { killed: number; tried: number; mutants: number }>();
  const survivors: Mutant[] = [];
  for (const mutant of mutants) {
    const outcome = results.outcomes[keyOf(mutant)];
    const file = files.get(mutant.path) ?? { killed: 0, tried: 0, mutants: 0 };
    files.set(mutant.path, { killed: file.killed + Number(outcome === 'killed'), tried: file.tried + Number(outcome !== undefined), mutants: file.mutants + 1 });
    if (outcome === 'survived') survivors.push(mutant);
  }
  for (const [path, { killed, tried, mutants: count }] of files) say(`${path}: ${killed} of ${tried} killed (${count} mutants)`);
  const sum = [...files.values()].reduce((total, file) => ({ killed: total.killed + file.killed, tried: total.tried + file.tried }), { killed: 0, tried: 0 });
  say(`all: ${sum.killed} of ${sum.tried} killed, ${(100 * sum.killed / Math.max(1, sum.tried)).toFixed(1)} %`);
  for (const mutant of survivors) say(`survived: ${describe(mutant)}`);
  if (options.report !== undefined) writeFileSync(options.report, `${JSON.stringify({ mutants: mutants.length, ...sum, files: Object.fromEntries(files), survivors }, undefined, 2)}\n`);
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
