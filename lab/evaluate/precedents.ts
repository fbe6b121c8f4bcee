import { DISTANCE_BLOCKS } from '../../src/evidence/judge/block-distances.ts';
import { classModel, deviationsFrom, scaledDeviations, type ClassModel } from '../../src/evidence/judge/strangeness.ts';
import type { Attack, Submission } from '../attackers/attack.ts';
import { randomOf, seedOf } from '../corpus/inputs/random.ts';
import type { LabRun } from '../corpus/lab-run.ts';
import { CLASS_DRAWS, CLASS_LIMIT_QUANTILE, CLASS_PRIOR_QUANTILE, MIN_CLASS_LIMIT, MIN_CLASS_PRIOR } from './constants.ts';
import type { Job } from './corpus.ts';
import { detectBy, type FingerprintResult } from './detection.ts';
import type { FingerprintPlugin } from './fingerprint-plugin.ts';
import { submissionSketch } from './fingerprints/submission-fingerprint.ts';
import type { Forgery } from './forge-all.ts';
import type { HonestPair } from './honest-pairs.ts';
import { quantile } from './statistics/quantile.ts';

/** Numbers of earlier runs of the same work that a client may know. */
export const EARLIER_COUNTS = [5, 10, 20] as const;

/** What the laboratory found of runs held against their class: detection by number of earlier runs, and the constants that the product takes from it. */
export interface ClassResults {
  byCount: Map<number, FingerprintResult>;
  /** Jobs that have enough runs for that many. */
  jobs: Map<number, number>;
  /** Usual deviation of each block, over all programs. */
  priors: Float64Array;
  /** How many times the usual deviation honest runs go in each block, by number of earlier runs. */
  limits: Map<number, Float64Array>;
  /** Honest scores by number of earlier runs, ascending, by priors without the program they are of. */
  scores: Map<number, Float64Array>;
}

/**
 * Holds single runs against earlier ones of their class: no peer is needed. Each honest run is held against draws of the other runs of its
 * job, each forgery against draws of those that its cheat has not seen. What is usual among programs, and the threshold, come from the other
 * programs only.
 */
export function byPrecedents(jobs: readonly Job[], forgeries: readonly Forgery[], attacks: readonly Attack[], corpus: readonly Job[] = jobs): ClassResults {
  const usual = new Map(corpus.map((job) => [job, usualOf(job)]));
  const priorsWithout = memo((family: string | undefined) => priorsOf(corpus.filter((job) => job.family !== family).map((job) => usual.get(job)!)));
  const result: ClassResults = { byCount: new Map(), jobs: new Map(), priors: priorsWithout(undefined), limits: new Map(), scores: new Map() };
  for (const count of EARLIER_COUNTS) {
    const plugin: FingerprintPlugin = { name: `${count} earlier runs`, about: `one run beside ${count} earlier ones of the same work (src/evidence/judge/strangeness.ts)`, kind: 'fingerprint', prepare: () => () => Number.NaN };
    const draws = (runs: readonly LabRun[], run: Submission, ...seed: (string | number)[]): Draw[] => {
      const random = randomOf(seedOf('class', count, ...seed));
      return runs.length < count ? [] : Array.from({ length: CLASS_DRAWS }, () => {
        const model = classModel(random.shuffle([...runs]).slice(0, count).map(submissionSketch));
        return { model, deviations: deviationsFrom(model, submissionSketch(run)) };
      });
    };
    const honest = corpus.flatMap((job) => job.honest.flatMap((run) => draws(job.honest.filter((other) => other !== run), run, run.id).map((draw) => ({ job, run, draw }))));
    if (honest.length === 0) continue;
    const limitsWithout = memo((family: string | undefined) => {
      const others = honest.filter(({ job }) => job.family !== family).map(({ draw }) => scaledDeviations(draw.model, draw.deviations, priorsWithout(family), ONES));
      return Float64Array.from(DISTANCE_BLOCKS, (_, k) => Math.max(MIN_CLASS_LIMIT, quantile(Float64Array.from(others, (blocks) => blocks[k]!).sort(), CLASS_LIMIT_QUANTILE)));
    });
    const score = (family: string, { model, deviations }: Draw) => Math.max(...scaledDeviations(model, deviations, priorsWithout(family), limitsWithout(family)));
    const tried = forgeries.filter(({ job }) => jobs.includes(job)).map((forgery, i) => ({ forgery, all: draws(forgery.unseen, forgery.submission, forgery.job.name, forgery.attack, i) })).filter(({ all }) => all.length > 0);
    const forged = tried.map(({ forgery, all }) => Float64Array.from(all, (draw) => score(forgery.job.family, draw)));
    // Honest runs of all programs by what was learned without one: only then is the threshold for that one on the scale of its scores.
    const measuredFor = (family: string) => ({ plugin, honest: Float64Array.from(honest, ({ draw }) => score(family, draw)), forged });
    result.byCount.set(count, detectBy(plugin, measuredFor, honest.map(({ job, run }): HonestPair => ({ job, a: run, b: run })), tried.map(({ forgery }) => forgery), attacks));
    result.jobs.set(count, new Set(honest.map(({ job }) => job)).size);
    result.limits.set(count, limitsWithout(undefined));
    result.scores.set(count, Float64Array.from(honest, ({ job, draw }) => score(job.family, draw)).sort());
  }
  return result;
}

/** A run beside a choice of earlier ones, before anything is scaled. */
interface Draw { model: ClassModel; deviations: Float64Array }

const ONES = new Float64Array(DISTANCE_BLOCKS.length).fill(1);

/** Root mean square of how far each run of a job is from the others, by block. */
function usualOf({ honest }: Job): Float64Array {
  return classModel(honest.map(submissionSketch)).spread.map((sum) => Math.sqrt(sum / honest.length));
}

function priorsOf(usual: readonly Float64Array[]): Float64Array {
  return Float64Array.from(DISTANCE_BLOCKS, (_, k) => Math.max(MIN_CLASS_PRIOR, usual.length === 0 ? 0 : quantile(Float64Array.from(usual, (blocks) => blocks[k]!).sort(), CLASS_PRIOR_QUANTILE)));
}

function memo<K, V>(of: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    if (!known.has(key)) known.set(key, of(key));
    return known.get(key)!;
  };
}
