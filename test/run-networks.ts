import { spawn } from 'node:child_process';
import { globSync, readFileSync, statSync } from 'node:fs';
import { text } from 'node:stream/consumers';

/** Processes at once: each keeps a chain and several nodes busy. */
const LANES = 2;

/**
 * Runs the tests that need a network. Files that ask for a shared one in the same words run in one process, where they share it: to start and to stop
 * one costs as much as most files' tests. The largest come first, so that none is left alone at the end.
 *
 * @example
 * node test/run-networks.ts 'test/e2e/*.test.ts'
 */
async function main(patterns: readonly string[]): Promise<void> {
  const groups = [...Map.groupBy(globSync(patterns).sort(), networkOf).values()].sort((a, b) => weight(b) - weight(a));
  let failed = 0;
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  const lane = async () => {
    for (let files = groups.shift(); files !== undefined && !stopping.signal.aborted; files = groups.shift()) if (!await passes(files, stopping.signal)) failed++;
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  process.exitCode = failed === 0 ? 0 : 1;
}

/** The words in which a file asks for a shared network; else its name. */
function networkOf(file: string): string {
  return /useNetwork\(\{ shared: true,.*\);$/m.exec(readFileSync(file, 'utf8'))?.[0] ?? file;
}

/** Bytes of source, for how long it takes. */
function weight(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + statSync(file).size, 0);
}

/** Runs files in one process, and shows what it said once it has ended. */
async function passes(files: readonly string[], signal: AbortSignal): Promise<boolean> {
  const child = spawn(process.execPath, ['--test', '--test-isolation=none', ...files], { stdio: ['ignore', 'pipe', 'pipe'], signal }).on('error', () => {});
  const [out, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), new Promise<number | null>((resolve) => { child.once('close', resolve); })]);
  process.stdout.write(`${files.join(' ')}\n${out}${errors}`);
  return code === 0;
}

await main(process.argv.slice(2));
