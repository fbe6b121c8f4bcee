// What no test of the contracts reaches, out of the report of `forge coverage --report lcov`.
//   node contracts/proofs/uncovered.ts FILE.lcov
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './solidity-ast.ts';

const file = process.argv[2];
if (file === undefined) {
  process.stderr.write('usage: node contracts/proofs/uncovered.ts FILE.lcov\n');
  process.exit(2);
}
let uncovered = 0;
let all = 0;
for (const record of readFileSync(file, 'utf8').split('end_of_record')) {
  const path = /^SF:(.*)$/m.exec(record)?.[1];
  if (path === undefined || !path.startsWith('contracts/src/')) continue;
  const lines = readFileSync(join(ROOT, path), 'utf8').split('\n');
  const tell = (line: string, what: string): void => {
    uncovered++;
    process.stdout.write(`${path}:${line} ${what}: ${lines[Number(line) - 1]!.trim()}\n`);
  };
  for (const [, line, , branch, taken] of record.matchAll(/^BRDA:(\d+),(\d+),(\d+),(\S+)$/gm)) {
    all++;
    if (taken === '-' || taken === '0') tell(line!, `branch ${branch}`);
  }
  for (const [, line, hits] of record.matchAll(/^DA:(\d+),(\d+)/gm)) if (hits === '0') tell(line!, 'line');
}
process.stdout.write(`${uncovered} lines and branches not reached, of ${all} branches\n`);
