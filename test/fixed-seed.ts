import { readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/** Any number: what properties find with it they find again. */
const SEED = 20_221_128;

/**
 * Loaded before tests that all have to pass: properties are tried with the same examples in every run, so that what fails does so for a change and not for its luck. Run
 * by itself a file tries others each time, and `GADUS_SEED` names other ones for all, or is `random`; a failure tells its seed.
 */
const wanted = process.env['GADUS_SEED'] ?? String(SEED);
const [, file] = process.argv;
// Most files have no properties, and need not load what tries them.
if (isMainThread && wanted !== 'random' && file?.endsWith('.test.ts') && readFileSync(file, 'utf8').includes("from 'fast-check'")) {
  (await import('fast-check')).configureGlobal({ seed: Number(wanted) });
}
