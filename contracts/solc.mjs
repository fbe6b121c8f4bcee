#!/usr/bin/env node
// The compiler forge calls: npm's solc behind the two switches forge uses. Forge resolves all imports itself.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

if (process.argv.includes('--version')) {
  const { version } = JSON.parse(readFileSync(require.resolve('solc/package.json'), 'utf8'));
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${version}+commit.00000000.Emscripten.clang\n`);
} else if (process.argv.includes('--standard-json')) {
  process.stdout.write(require('solc').compile(readFileSync(0, 'utf8')));
} else {
  process.stderr.write('usage: solc.mjs --version | --standard-json < input.json\n');
  process.exitCode = 2;
}
