import type { Attack } from '../attackers/attack.ts';
import { ATTACKS } from '../attackers/attacks.ts';
import type { LabRun } from '../corpus/lab-run.ts';
import { blockAlarms, breakdown, conditionsOf, type GroupResult } from './breakdown.ts';
import { detectCopies } from './copies.ts';
import { jobsOf, type Job } from './corpus.ts';
import { attackedDecisions, honestDecisions, type Judge, type Outcomes } from './decisions.ts';
import { byEngine, type EngineResult } from './engines.ts';
import { lateOutput, type LateResults } from './late-output.ts';
import { byPrecedents, type ClassResults } from './precedents.ts';
import { detect, type FingerprintResult } from './detection.ts';
import type { FingerprintPlugin } from './fingerprint-plugin.ts';
import { full } from './fingerprints/full.ts';
import { thresholdsFor } from './folds.ts';
import { forgeAll, type Forgery } from './forge-all.ts';
import { honestPairs, type HonestPair } from './honest-pairs.ts';
import { measure } from './measure.ts';
import { PLUGINS } from './plugins.ts';
import { knownWords } from './words.ts';
import { refit } from './refit.ts';
import { copyLikeness, type SimilarityPlugin } from './similarity.ts';

/** What to evaluate; everything when left out. */
export interface EvaluateInit {
  /** Jobs or programs whose honest runs and cheats are looked at; thresholds and cheats' knowledge come from the whole corpus all the same. */
  programs?: readonly string[];
  attacks?: readonly Attack[];
  plugins?: readonly FingerprintPlugin[];
  similarity?: SimilarityPlugin;
  /** Called with a line per step. */
  onProgress?: (line: string) => void;
}

/** All that was found, before it is cut down to a report. */
export interface Evaluation {
  runs: readonly LabRun[];
  jobs: readonly Job[];
  attacks: readonly Attack[];
  pairs: readonly HonestPair[];
  forgeries: readonly Forgery[];
  results: ReadonlyMap<string, FingerprintResult>;
  copies: FingerprintResult;
  /** Single runs beside earlier ones of the same work. */
  precedents: ClassResults;
  /** Nodes that name a result they do not have, by the windows they open. */
  late: LateResults;
  engines: EngineResult[];
  decisions: { honest: Record<Judge, Outcomes>; cheats: Map<string, { one: Record<Judge, Outcomes>; two: Record<Judge, Outcomes> }> };
  /** Of the full fingerprint; empty when that was left out. */
  conditions: GroupResult[];
  programs: GroupResult[];
  blocks: { honest: Record<string, number>; cheats: Map<string, Record<string, number>> };
}

/** Measures every cheat against every fingerprint on a corpus of real runs. Deterministic: the same runs give the same numbers. */
export async function evaluate(runs: readonly LabRun[], init: EvaluateInit = {}): Promise<Evaluation> {
  const { attacks = ATTACKS, plugins = PLUGINS, similarity = copyLikeness, onProgress = () => {} } = init;
  const all = jobsOf(runs);
  const jobs = all.filter(({ engine }) => engine === 'container');
  const chosen = jobs.filter(({ name, family }) => init.programs === undefined || init.programs.includes(name) || init.programs.includes(family));
  const pairs = honestPairs(jobs);
  onProgress(`${jobs.length} jobs, ${pairs.length} honest pairs; forging`);
  const forgeries = forgeAll(attacks, chosen, jobs);
  onProgress(`${forgeries.length} submissions forged by ${attacks.length} cheats`);
  const measured = plugins.map((plugin) => {
    onProgress(`measuring by ${plugin.name}`);
    return measure(plugin, pairs, forgeries);
  });
  const results = new Map(measured.map((one) => [one.plugin.name, detect(one, pairs, forgeries, attacks)]));
  onProgress('looking for copies');
  const copies = detectCopies(similarity, pairs, forgeries, attacks);
  onProgress('holding runs against earlier ones');
  const precedents = byPrecedents(chosen, forgeries, attacks, jobs);
  onProgress('opening windows');
  const late = await lateOutput(chosen);
  onProgress('looking at other engines');
  const engines = init.programs === undefined ? byEngine(all, attacks) : [];
  onProgress('deciding in threes');
  const words = knownWords(runs);
  const decisions = {
    honest: honestDecisions(chosen, words),
    cheats: new Map(attacks.map((attack) => [attack.name, { one: attackedDecisions(attack, forgeries, 1, words), two: attackedDecisions(attack, forgeries, 2, words) }] as const)),
  };
  const byFull = measured.find(({ plugin }) => plugin === full);
  if (byFull !== undefined) {
    const refitted = refit(pairs, forgeries, attacks);
    results.set(refitted.plugin.name, refitted);
  }
  const groups = (groupsOf: Parameters<typeof breakdown>[4]): GroupResult[] => {
    if (byFull === undefined) return [];
    const families = pairs.map(({ job }) => job.family);
    const limits = new Map(chosen.map(({ family }) => [family, thresholdsFor(family, families, byFull.honest).at1pct]));
    return breakdown(byFull, pairs, forgeries, (family) => limits.get(family)!, groupsOf);
  };
  return {
    runs, jobs: chosen, attacks, pairs, forgeries, results, copies, decisions, precedents, late, engines,
    conditions: groups((_, both) => {
      const names = new Set(both.flatMap(conditionsOf));
      if (names.size > 1) names.delete('undisturbed');
      return names;
    }),
    programs: groups(({ name }) => [name]).filter(({ name }) => chosen.some((job) => job.name === name)),
    blocks: {
      honest: blockAlarms(pairs.map(({ a, b }) => [a, b] as const)),
      cheats: new Map(attacks.map(({ name }) => [
        name, blockAlarms(forgeries.filter(({ attack }) => attack === name).flatMap(({ submission, targets }) => targets.map((target) => [submission, target] as const))),
      ])),
    },
  };
}
