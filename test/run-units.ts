import { SLOWNESS } from '../src/executor/constants.ts';
import { hung, runWatched, stopSignal } from './run-watched.ts';

/** Files at once: some measure, and more of them would measure each other. */
const FILES_AT_ONCE = 2;
/** Longest that all of them may say nothing, ms: what a file says is shown when those before it are over, and the longest takes a minute on a quiet machine. */
const SILENCE_MS = 10 * 60_000 * SLOWNESS;

/**
 * Runs the tests that need no network, each file in a process of its own.
 *
 * @example
 * node test/run-units.ts 'src/**\/*.test.ts'
 */
async function main(patterns: readonly string[]): Promise<void> {
  const { code, silent } = await runWatched(process.execPath, ['--test', `--test-concurrency=${FILES_AT_ONCE}`, `--import=${new URL('./fixed-seed.ts', import.meta.url).href}`, ...patterns], {
    silenceMs: SILENCE_MS, signal: stopSignal(), onOutput: (text) => process.stdout.write(text),
  });
  if (silent) process.stdout.write(hung(patterns.join(' '), SILENCE_MS));
  process.exitCode = code === 0 && !silent ? 0 : 1;
}

await main(process.argv.slice(2));
