import { globSync, readFileSync, statSync } from 'node:fs';
import { SLOWNESS } from '../src/executor/constants.ts';
import { hung, runWatched, stopSignal } from './run-watched.ts';

/** Processes at once: each keeps a chain and several nodes busy. */
const LANES = 2;
/**
 * Longest that a process may say nothing, ms: it says when a test is over, and a test gives up what it waits for after three minutes. Of silence and not of
 * all its time, so that what is slow for having much to do is not ended.
 */
const SILENCE_MS = 5 * 60_000 * SLOWNESS;

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
  const stopping = stopSignal();
  const lane = async () => {
    for (let files = groups.shift(); files !== undefined && !stopping.aborted; files = groups.shift()) if (!await passes(files, stopping)) failed++;
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
  const { code, output, silent } = await runWatched(process.execPath, ['--test', '--test-isolation=none', ...files], { silenceMs: SILENCE_MS, signal });
  process.stdout.write(`${files.join(' ')}\n${output}${silent ? hung(files.join(' '), SILENCE_MS) : ''}`);
  return code === 0 && !silent;
}

await main(process.argv.slice(2));
