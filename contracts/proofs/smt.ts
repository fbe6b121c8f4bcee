// Proves what contracts/proofs/smt states, with z3.
//   node contracts/proofs/smt.ts          exits 1 where something is not proven, or where the contract's text is no longer the one the harness was made from
//   node contracts/proofs/smt.ts --accept writes down the contract's present text, once the harness has been held against it
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, solc, type SolcOutput } from './solidity-ast.ts';

const FOLDER = 'contracts/proofs/smt';
/** What the harness stands for: changed, it must be looked at again. */
const MIRRORED: readonly (readonly [path: string, functionName: string])[] = [
  ['contracts/src/parts/Ending.sol', '_finish'], ['contracts/src/parts/Ending.sol', '_payNewcomers'], ['contracts/src/parts/Ending.sol', '_closeSeat'],
  ['contracts/src/Scheduler.sol', '_pay'], ['contracts/src/Checks.sol', '_close'], ['contracts/src/libraries/PartyLib.sol', 'lock'], ['contracts/src/libraries/PartyLib.sol', 'unlock'], ['contracts/src/libraries/PartyLib.sol', 'close'], ['contracts/src/libraries/PartyLib.sol', '_store'],
];
/** Longest search for one proof, seconds. */
const TIMEOUT_SECONDS = 120;
/** What Ending.sol has to prove; fewer, and the solver was not asked. */
const TARGETS = 70;
const DIGESTS = join(ROOT, FOLDER, 'mirrored.json');

let failed = false;
mirrored();
for (const name of ['masks.smt2', 'lock.smt2']) {
  const answers = z3(readFileSync(join(ROOT, FOLDER, name), 'utf8')).trim().split('\n');
  say(answers.every((answer) => answer === 'unsat'), `${name}: ${answers.join(' ')}`);
}
harness();
process.exitCode = failed ? 1 : 0;

/** Whether the functions are still the text that the harness was made from. */
function mirrored(): void {
  const digests = Object.fromEntries(MIRRORED.map(([path, name]) => [`${path} ${name}`, createHash('sha256').update(functionIn(readFileSync(join(ROOT, path), 'utf8'), name)).digest('hex')]));
  if (process.argv.includes('--accept')) writeFileSync(DIGESTS, `${JSON.stringify(digests, undefined, 2)}\n`);
  const known = JSON.parse(readFileSync(DIGESTS, 'utf8')) as Record<string, string>;
  for (const [name, digest] of Object.entries(digests)) if (known[name] !== digest) say(false, `${name} has changed: hold ${FOLDER} against it, then run with --accept`);
}

/** A function's text from its name to its closing brace. */
function functionIn(source: string, name: string): string {
  const found = new RegExp(`^ {4}function ${name}\\([\\s\\S]*?^ {4}}$`, 'm').exec(source);
  if (found === null) throw new Error(`no function ${name}`);
  return found[0];
}

/** Solidity's own model checker on the harness: every assertion, every over- and underflow. */
function harness(): void {
  const path = `${FOLDER}/Ending.sol`;
  const input = {
    language: 'Solidity', sources: { [path]: { content: readFileSync(join(ROOT, path), 'utf8') } },
    settings: { modelChecker: { engine: 'bmc', solvers: ['smtlib2'], targets: ['assert', 'underflow', 'overflow', 'divByZero'], showProvedSafe: true, showUnproved: true, timeout: 1000 * TIMEOUT_SECONDS } },
  };
  const output = JSON.parse(solc().compile(JSON.stringify(input), { smtSolver: (query) => ({ contents: z3(query) }) })) as SolcOutput;
  const findings = output.errors ?? [];
  const proven = findings.filter(({ message }) => /^BMC: .* safe!$/.test(message));
  for (const { message, formattedMessage } of findings) if (message.startsWith('BMC: ') && !message.endsWith(' safe!')) say(false, formattedMessage);
  for (const { severity, formattedMessage } of findings) if (severity === 'error') say(false, formattedMessage);
  say(proven.length >= TARGETS, `Ending.sol: ${proven.length} assertions, over- and underflows proven`);
}

function z3(query: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'gadus-smt-'));
  try {
    const file = join(folder, 'query.smt2');
    writeFileSync(file, query);
    const { stdout, error } = spawnSync('z3', [`-T:${TIMEOUT_SECONDS}`, file], { encoding: 'utf8' });
    if (error !== undefined) throw new Error('z3 is missing: apt-get install z3', { cause: error });
    return stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function say(ok: boolean, text: string): void {
  failed ||= !ok;
  process.stdout.write(`${ok ? 'ok' : 'FAILED'}  ${text}\n`);
}
