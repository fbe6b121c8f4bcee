// Every finding of `forge lint` on the contracts, of any severity, but those argued in docs/contract-review.md; exits 1 if there are any.
//   node contracts/proofs/lint.ts [--all]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './solidity-ast.ts';

/** Lints whose findings are argued in docs/contract-review.md, all of them. */
const ARGUED: readonly string[] = ['incorrect-shift', 'unsafe-typecast', 'block-timestamp'];

// The linter compiles without code, and would leave that behind for the tests to stumble over.
const folder = mkdtempSync(join(tmpdir(), 'gadus-lint-'));
try {
  const { stderr, stdout, error } = spawnSync(join(ROOT, 'scripts/forge.sh'), ['lint', 'contracts/src', '--json'], {
    cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28, env: { ...process.env, FOUNDRY_OUT: join(folder, 'out'), FOUNDRY_CACHE_PATH: join(folder, 'cache') },
  });
  if (error !== undefined) throw error;
  const findings = `${stderr}\n${stdout}`.split('\n').filter((line) => line.startsWith('{')).flatMap((line) => {
    const { code, message, spans } = JSON.parse(line) as { code?: { code: string } | null; message: string; spans?: { file_name: string; line_start: number }[] };
    return code === null || code === undefined ? [] : [{ code: code.code, message, at: spans?.[0] === undefined ? '' : `${spans[0].file_name}:${spans[0].line_start}` }];
  });
  const open = findings.filter(({ code }) => process.argv.includes('--all') || !ARGUED.includes(code));
  for (const { code, message, at } of open) process.stdout.write(`${at} ${code}: ${message}\n`);
  const counts = Object.entries(Object.groupBy(findings, ({ code }) => code)).map(([code, found]) => `${code} ${found!.length}`);
  process.stdout.write(`${findings.length} findings (${counts.join(', ')}), ${open.length} of them not argued\n`);
  process.exitCode = open.length > 0 || findings.length === 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
