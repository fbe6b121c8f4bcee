import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../solidity-ast.ts';
import { drive, forge } from './drive.ts';
import { suitesOf, type Suite } from './suites.ts';

export type Outcome = 'killed' | 'survived';
/** What is known of a state of contracts and tests. `outcomes` by the mutants' names; `by` names the test that killed one. */
export interface Results { digest: string; suites: Suite[]; excluded: string[]; outcomes: Record<string, { outcome: Outcome; by?: string }> }

export const WORKSPACE = join(ROOT, 'contracts/cache/mutation');
/** Gas and size are those of the optimized contracts; invariants run on their own, for mutants that survive the rest. */
const NOT_DRIVEN = /^(Gas|Deployment|Invariants|Driver)Test$/;
/** A test with a mutant may use so many times the gas it used without, and a bit. */
const [GAS_FACTOR, GAS_MORE] = [4, 30_000_000];
/** What a test that deploys contracts may use besides: where a cheatcode makes them their gas is bounded, but not told. */
const GAS_DEPLOYING = 500_000_000;
/** Larger than any mutant's number. */
const NO_MUTANT = 1_000_000;
/** To know which tests to try first. */
const GAS_PER_MS = 200_000;

/** Lays out a project of all mutants and compiles it, unless that has been done; finds tests that fail without any mutant. */
export async function prepare(sources: Record<string, string>, keep: boolean, say: (text: string) => void): Promise<Results> {
  const tests = readdirSync(join(ROOT, 'contracts/test'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.sol')).sort();
  const digest = createHash('sha256').update(JSON.stringify(sources));
  for (const name of tests) digest.update(readFileSync(join(ROOT, 'contracts/test', name)));
  const hash = digest.update(readFileSync(join(import.meta.dirname, 'Driver.sol'))).digest('hex');
  const known = existsSync(join(WORKSPACE, 'results.json')) ? JSON.parse(readFileSync(join(WORKSPACE, 'results.json'), 'utf8')) as Results : undefined;
  if (known?.digest === hash) return known;
  lay(sources, tests);
  say('compiling all mutants at once (minutes)');
  // Forge compiles what has changed, and nothing else.
  const { ok, output } = await forge(WORKSPACE, 0, ['build'], join(WORKSPACE, 'contracts/out'));
  if (!ok) throw new Error(output);
  const suites = suitesOf(join(WORKSPACE, 'contracts/out'), NOT_DRIVEN);
  const told = await drive(WORKSPACE, suites, [0], [[...suites.keys()]], true);
  const excluded: string[] = [];
  const alive = suites.map((suite, i): Suite => {
    const passed = new Map(told.flatMap(({ what, suite: s, call, gas }) => (what === 'passed' && s === i ? [[call, gas] as const] : [])));
    excluded.push(...suite.names.filter((_, call) => !passed.has(call)));
    const calls = [...suite.calls.keys()].filter((call) => passed.has(call));
    const gas = calls.map((call) => passed.get(call)! * GAS_FACTOR + GAS_MORE);
    const costMs = Math.round(calls.reduce((sum, call) => sum + passed.get(call)!, 20_000_000) / GAS_PER_MS);
    return { artifact: suite.artifact, names: calls.map((call) => suite.names[call]!), calls: calls.map((call) => suite.calls[call]!), gas, costMs };
  });
  if (suites.length === 0) throw new Error('nothing was compiled');
  const count = suites.reduce((sum, { calls }) => sum + calls.length, 0);
  say(`${count} calls of tests in ${suites.length} suites; ${excluded.length} fail without a mutant, for they measure gas or need too much: ${[...new Set(excluded)].join(', ')}`);
  if (excluded.length * 20 > count) throw new Error('too many tests fail without a mutant');
  for (const { what, suite, call } of await drive(WORKSPACE, alive, [0], [[...alive.keys()]], true)) if (what === 'killed') alive[suite]!.gas[call]! += GAS_DEPLOYING;
  // Else every mutant would seem killed, or every second one: what a test leaves behind must not fail the next.
  const again = await drive(WORKSPACE, alive, [NO_MUTANT, NO_MUTANT], [[...alive.keys()], [...alive.keys()].reverse()]);
  const spoilt = again.find(({ what }) => what === 'killed');
  if (spoilt !== undefined) throw new Error(`without a mutant ${alive[spoilt.suite]!.artifact} ${alive[spoilt.suite]!.names[spoilt.call]} fails after others`);
  const outcomes = keep && known !== undefined ? Object.fromEntries(Object.entries(known.outcomes).filter(([, { outcome }]) => outcome === 'killed')) : {};
  const fresh: Results = { digest: hash, suites: alive, excluded, outcomes };
  save(fresh);
  return fresh;
}

export function save(results: Results): void {
  writeFileSync(join(WORKSPACE, 'results.json'), JSON.stringify(results, undefined, 1));
}

function lay(sources: Record<string, string>, tests: readonly string[]): void {
  mkdirSync(join(WORKSPACE, 'contracts/test'), { recursive: true });
  const write = (path: string, text: string): void => {
    const target = join(WORKSPACE, path);
    mkdirSync(dirname(target), { recursive: true });
    // What is the same keeps its date, and is not compiled again.
    if (!existsSync(target) || readFileSync(target, 'utf8') !== text) writeFileSync(target, text);
  };
  for (const name of readdirSync(join(WORKSPACE, 'contracts/test'))) if (!tests.includes(name) && name !== 'Driver.t.sol') rmSync(join(WORKSPACE, 'contracts/test', name));
  for (const path of readdirSync(join(ROOT, 'contracts/src'), { recursive: true, encoding: 'utf8' })) {
    if (path.endsWith('.sol') && sources[`contracts/src/${path}`] === undefined) write(`contracts/src/${path}`, readFileSync(join(ROOT, 'contracts/src', path), 'utf8'));
  }
  for (const [path, text] of Object.entries(sources)) write(path, text);
  // A number of runs that a test names itself would stand against the few of FOUNDRY_FUZZ_RUNS.
  for (const name of tests) write(`contracts/test/${name}`, readFileSync(join(ROOT, 'contracts/test', name), 'utf8').replace(/^ *\/\/\/ forge-config: default\.fuzz\.runs.*\n/gm, ''));
  write('contracts/test/Driver.t.sol', readFileSync(join(import.meta.dirname, 'Driver.sol'), 'utf8'));
  cpSync(join(ROOT, 'contracts/solc.mjs'), join(WORKSPACE, 'contracts/solc.mjs'));
  cpSync(join(ROOT, 'test/conformance/vectors'), join(WORKSPACE, 'test/conformance/vectors'), { recursive: true });
  if (!existsSync(join(WORKSPACE, 'node_modules'))) symlinkSync(join(ROOT, 'node_modules'), join(WORKSPACE, 'node_modules'));
  write('foundry.toml', readFileSync(join(ROOT, 'foundry.toml'), 'utf8')
    .replace(/^optimizer = true$/m, 'optimizer = false')
    .replace(/^via_ir = true$/m, 'via_ir = true\ncode_size_limit = 1000000\ngas_limit = "18446744073709551615"\nmemory_limit = 1073741824'));
}
