import { compareFingerprints } from '../../src/evidence/fingerprint/compare-fingerprints.ts';
import type { LabRun } from '../corpus/lab-run.ts';
import { conditionsOf } from './breakdown.ts';
import { jobsOf } from './corpus.ts';
import { submissionFingerprint } from './fingerprints/submission-fingerprint.ts';
import { honestPairs } from './honest-pairs.ts';

/**
 * Every honest pair that the threshold in use tells apart, the farthest first, one line each: job, distance, the blocks beyond their
 * tolerance, and what both runs were like. For whoever improves the fingerprint.
 */
export function alarms(runs: readonly LabRun[], programs?: readonly string[]): string[] {
  const jobs = jobsOf(runs).filter(({ name, family }) => programs === undefined || programs.includes(name) || programs.includes(family));
  return honestPairs(jobs)
    .map(({ job, a, b }) => ({ job, a, b, ...compareFingerprints(submissionFingerprint(a), submissionFingerprint(b)) }))
    .filter(({ distance }) => distance > 1)
    .sort((x, y) => y.distance - x.distance)
    .map(({ job, a, b, distance, blocks }) => {
      const beyond = blocks.filter((block) => block.distance > 1).sort((x, y) => y.distance - x.distance).map((block) => `${block.name} ${block.distance.toFixed(2)}`);
      return `${job.name.padEnd(20)} ${distance.toFixed(2).padStart(6)}  ${beyond.join(', ') || 'too few channels in common'}  |  ${runLine(a)}  |  ${runLine(b)}`;
    });
}

function runLine(run: LabRun): string {
  const { channels, t } = run.trace;
  return `${conditionsOf(run).join(', ')}: CPU ${((channels.cpuNs?.at(-1) ?? 0) / 1e9).toFixed(2)} s, ${(t.at(-1)! / 1000).toFixed(2)} s, ${t.length} samples`;
}
