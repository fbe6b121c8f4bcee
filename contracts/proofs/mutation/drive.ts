import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../solidity-ast.ts';
import type { Suite } from './suites.ts';

/** A line of what the driver tells: of suite and call by number, gas of the call. */
export interface Told { what: 'start' | 'survived' | 'killed' | 'passed'; mutant: number; suite: number; call: number; gas: number }

/** Processor time without a word from the driver, s, after which the mutant has hung: many times what all tests together take. Not wall time, which a busy machine stretches. */
const HUNG_CPU_SECONDS = 60;
/** How often that is looked at, ms. */
const WATCH_MS = 2000;

/**
 * Runs suites against mutants, each suite in the order given for the mutant until one fails. What a process that hangs or dies was at counts as killed by nobody (`call` -1).
 * @param orders of each mutant, numbers of suites
 * @param thorough run everything and tell of what passes as well
 */
export async function drive(workspace: string, suites: readonly Suite[], mutants: readonly number[], orders: readonly (readonly number[])[], thorough = false): Promise<Told[]> {
  const plan = join(workspace, 'contracts/plan.json');
  const progress = join(workspace, 'contracts/progress.txt');
  const told: Told[] = [];
  let rest = [...mutants.keys()];
  while (rest.length > 0) {
    writeFileSync(plan, JSON.stringify({
      mutants: rest.map((i) => mutants[i]), orders: rest.map((i) => orders[i]), wanted: [...suites.keys()], thorough, suites: suites.map(({ artifact, calls, gas }) => ({ artifact, calls, gas })),
    }));
    rmSync(progress, { force: true });
    const output = await forge(workspace, 0, ['test', '--match-contract', '^DriverTest$'], progress);
    const lines = existsSync(progress) ? readFileSync(progress, 'utf8').split('\n').filter((line) => line !== '').map(parse) : [];
    if (lines.length === 0) throw new Error(`the driver did not start: ${output.output.slice(-2000)}`);
    told.push(...lines);
    const done = new Set(lines.filter(({ what }) => what === 'killed' || what === 'survived' || thorough).map(({ mutant }) => mutant));
    const hung = lines.findLast(({ what }) => what === 'start')!.mutant;
    if (!done.has(hung)) told.push({ what: 'killed', mutant: hung, suite: 0, call: -1, gas: 0 });
    rest = rest.filter((i) => !done.has(mutants[i]!) && mutants[i] !== hung);
  }
  return told;
}

function parse(line: string): Told {
  const [what, ...numbers] = line.split(' ');
  const [mutant, suite, call, gas] = numbers.map(Number) as [number, number, number, number];
  return { what: what as Told['what'], mutant, suite, call, gas };
}

/**
 * Runs forge in the workspace with a mutant, and ends it once it hangs.
 *
 * @param progress a file that grows as long as all is well; without one the whole run has the time that a mutant has
 */
export async function forge(workspace: string, id: number, args: readonly string[], progress?: string): Promise<{ ok: boolean; output: string }> {
  const child = spawn(join(ROOT, 'scripts/forge.sh'), [...args], {
    cwd: workspace, stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, FOUNDRY_BLOCK_COINBASE: `0x${id.toString(16).padStart(40, '0')}`, FOUNDRY_FUZZ_RUNS: '24', FOUNDRY_INVARIANT_RUNS: '4', FOUNDRY_INVARIANT_SHRINK_RUN_LIMIT: '0' },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => { output += piece; });
  let last = { length: -1, cpu: 0 };
  const watch = setInterval(() => {
    const cpu = cpuSecondsOf(child.pid);
    const length = progress !== undefined && existsSync(progress) ? statSync(progress).size : 0;
    if (length !== last.length) last = { length, cpu };
    if (cpu - last.cpu > HUNG_CPU_SECONDS) child.kill('SIGKILL');
  }, WATCH_MS);
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve)).finally(() => clearInterval(watch));
  // Forge exits with 0 where --fail-fast cut it short.
  return { ok: code === 0 && !output.includes('[FAIL'), output };
}

/** Processor time of a process, s; 0 where /proc does not say. */
function cpuSecondsOf(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}
