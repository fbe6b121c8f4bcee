// Which branches of the contracts no test takes. Not `forge coverage`, which does not see contracts that tests know by interface only, and
// takes lines of inlined libraries for untouched.
//   node contracts/proofs/coverage.ts [--report FILE]    exits 1 where a branch is not taken and not excused in contracts/proofs/unreachable.json
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { instrument } from './branches.ts';
import { astOf, ROOT, sourcesOf } from './solidity-ast.ts';

const WORKSPACE = join(ROOT, 'contracts/cache/coverage');
const ROOTS = ['Scheduler', 'Disputes', 'Checks', 'GadusCoin', 'randomness/BlockHashRandomness', 'randomness/DrandRandomness'].map((name) => `contracts/src/${name}.sol`);

const all = sourcesOf(ROOTS);
const paths = Object.keys(all).filter((path) => path.startsWith('contracts/src/') && !path.includes('/interfaces/') && !path.endsWith('GadusCoin.sol')).sort();
const { sources, branches } = instrument(all, astOf(all), paths);
rmSync(WORKSPACE, { recursive: true, force: true });
mkdirSync(WORKSPACE, { recursive: true });
for (const folder of ['contracts/src', 'contracts/test', 'contracts/solc.mjs', 'test/conformance/vectors']) cpSync(join(ROOT, folder), join(WORKSPACE, folder), { recursive: true });
for (const [path, text] of Object.entries(sources)) {
  mkdirSync(dirname(join(WORKSPACE, path)), { recursive: true });
  writeFileSync(join(WORKSPACE, path), text);
}
symlinkSync(join(ROOT, 'node_modules'), join(WORKSPACE, 'node_modules'));
writeFileSync(join(WORKSPACE, 'foundry.toml'), readFileSync(join(ROOT, 'foundry.toml'), 'utf8')
  .replace(/^optimizer = true$/m, 'optimizer = false').replace(/^via_ir = true$/m, 'via_ir = true\ncode_size_limit = 1000000\ngas_limit = 4000000000'));
const { status, error } = spawnSync(join(ROOT, 'scripts/forge.sh'), ['test', '--no-match-contract', '^GasTest$'], {
  cwd: WORKSPACE, env: { ...process.env, FOUNDRY_FUZZ_RUNS: process.env['FUZZ_RUNS'] ?? '64', FOUNDRY_INVARIANT_RUNS: '4', FOUNDRY_INVARIANT_SHRINK_RUN_LIMIT: '0' }, stdio: ['ignore', process.argv.includes('--verbose') ? 'inherit' : 'ignore', 'inherit'],
});
if (error !== undefined) throw error;
// Some tests measure gas, of which telling branches takes more: what failed is not the question here.
if (status !== 0) process.stderr.write('some tests failed, as those that measure gas must\n');
const told = join(WORKSPACE, 'contracts/branches.txt');
if (!existsSync(told)) throw new Error('nothing was run');
const ways = new Set(readFileSync(told, 'utf8').split('\n').filter((line) => line !== '').map(Number));
const excused = JSON.parse(readFileSync(join(ROOT, 'contracts/proofs/unreachable.json'), 'utf8')) as Record<string, string>;
const missing = branches.flatMap((branch, i) => [false, true].filter((way) => !ways.has(2 * (i + 1) + Number(way))).map((way) => ({ ...branch, way, key: `${branch.path} ${branch.text} ${way}` })));
const open = missing.filter(({ key }) => excused[key] === undefined);
for (const { path, line, text, way, key } of missing) process.stdout.write(`${path}:${line} never ${way}: ${text}${excused[key] === undefined ? '' : ` (${excused[key]})`}\n`);
process.stdout.write(`${2 * branches.length - missing.length} of ${2 * branches.length} branches taken, ${missing.length - open.length} that nothing can take\n`);
const file = process.argv.indexOf('--report');
if (file > 0) writeFileSync(process.argv[file + 1]!, `${JSON.stringify({ branches: 2 * branches.length, taken: 2 * branches.length - missing.length, missing }, undefined, 2)}\n`);
process.exitCode = open.length > 0 ? 1 : 0;
