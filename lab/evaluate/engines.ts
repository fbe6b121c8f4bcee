import { compareFingerprints } from '../../src/evidence/fingerprint/compare-fingerprints.ts';
import type { Attack } from '../attackers/attack.ts';
import type { Job } from './corpus.ts';
import { clusters, detect, type FingerprintResult } from './detection.ts';
import { full } from './fingerprints/full.ts';
import { submissionFingerprint } from './fingerprints/submission-fingerprint.ts';
import { forgeAll } from './forge-all.ts';
import { honestPairs } from './honest-pairs.ts';
import { measure } from './measure.ts';
import { byPrecedents, EARLIER_COUNTS } from './precedents.ts';
import { rateOf, upperBound, type Rate } from './statistics/rate.ts';

/** What was found in an engine other than the container. */
export interface EngineResult {
  engine: string;
  jobs: number;
  runs: number;
  channels: string[];
  /** Pairs of honest runs in this engine, and those that the deployed rule tells apart. */
  alarms: Rate & { upper95: number };
  /** The same of a run in this engine beside one of the same job in the container; absent where no job was recorded in both. */
  beside?: Rate;
  full: FingerprintResult;
  /** One run beside the fewest earlier ones; absent where no job has so many. */
  precedents: FingerprintResult | undefined;
}

/** Cheats in engines other than the container; thresholds from all other programs, in whatever engine. */
export function byEngine(jobs: readonly Job[], attacks: readonly Attack[]): EngineResult[] {
  const container = jobs.filter(({ engine }) => engine === 'container');
  return [...Map.groupBy(jobs.filter(({ engine }) => engine !== 'container'), ({ engine }) => engine)].map(([engine, own]): EngineResult => {
    const corpus = [...container, ...own];
    const pairs = honestPairs(corpus);
    const forgeries = forgeAll(attacks, own, own);
    const alarms = [...clusters(honestPairs(own).map(({ job, a, b }) => [job.family, Number(apart(a, b)), 1])).values()];
    const both = own.flatMap((job) => container.filter(({ name, honest }) => name === job.honest[0]!.program && honest.length > 0).flatMap((other) => (
      job.honest.flatMap((a) => other.honest.map((b): [string, number, number] => [job.family, Number(apart(a, b)), 1])))));
    return {
      engine, jobs: own.length, runs: own.reduce((sum, { honest }) => sum + honest.length, 0),
      channels: [...new Set(own.flatMap(({ honest }) => Object.keys(honest[0]!.trace.channels)))],
      alarms: { ...rateOf(alarms), upper95: upperBound(alarms) },
      ...(both.length === 0 ? {} : { beside: rateOf([...clusters(both).values()]) }),
      full: detect(measure(full, pairs, forgeries), pairs, forgeries, attacks),
      precedents: byPrecedents(own, forgeries, attacks, corpus).byCount.get(EARLIER_COUNTS[0]),
    };
  });
}

function apart(...[a, b]: Parameters<typeof submissionFingerprint>[0][]): boolean {
  return compareFingerprints(submissionFingerprint(a!), submissionFingerprint(b!)).distance > 1;
}
