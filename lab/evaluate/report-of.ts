import { DISTANCE_BLOCKS } from '../../src/evidence/judge/block-distances.ts';
import { CLASS_LIMIT, CLASS_SCORES } from '../../src/evidence/constants.ts';
import type { GroupResult } from './breakdown.ts';
import type { Detection, FingerprintResult } from './detection.ts';
import { DIGITS } from './constants.ts';
import type { Evaluation } from './evaluate.ts';
import { full, fullStrict } from './fingerprints/full.ts';
import { sketch, sketchStrict } from './fingerprints/sketch.ts';
import { disturbanceOf } from './disturbance.ts';
import type { FingerprintPlugin } from './fingerprint-plugin.ts';
import { thresholdAt } from './statistics/threshold-at.ts';
import { REFITTED } from './refit.ts';
import { labReportSchema, type LabReport } from './report-schema.ts';

/**
 * An evaluation as the report that is committed.
 *
 * @throws ZodError when the evaluation left out a fingerprint that the report must have
 */
export function reportOf(evaluation: Evaluation, date: Date): LabReport {
  const { results, attacks, jobs, runs, decisions, blocks, precedents, late, engines } = evaluation;
  const kind = (of: FingerprintPlugin['kind'], attack: string) => Object.fromEntries([...results.values()].filter(({ plugin }) => plugin.kind === of).map(({ plugin, cheats }) => [plugin.name, detectionOf(cheats.get(attack))]));
  const of = (name: string, attack: string) => detectionOf(results.get(name)?.cheats.get(attack));
  const tried = attacks.filter(({ name }) => results.get(full.name)?.cheats.has(name));
  return labReportSchema.parse(rounded({
    version: 2,
    date: date.toISOString().slice(0, 10),
    corpus: { runs: runs.length, jobs: jobs.length, programs: new Set(jobs.map(({ family }) => family)).size, machines: [...new Set(runs.map(({ machine }) => machine))].sort() },
    honest: {
      ...alarmsOf(results.get(full.name)),
      refitted: heldOutOf(results.get(REFITTED)),
      others: Object.fromEntries([sketch, fullStrict, sketchStrict].map(({ name }) => [name, alarmsOf(results.get(name))])),
      blocks: blocks.honest,
    },
    cheats: Object.fromEntries(tried.map(({ name, about }) => [name, {
      about, pairs: results.get(full.name)!.cheats.get(name)!.pairs,
      full: of(full.name, name), sketch: of(sketch.name, name),
      refitted: of(REFITTED, name),
      strict: { full: of(fullStrict.name, name), sketch: of(sketchStrict.name, name) },
      baselines: kind('baseline', name), tried: kind('tried', name), blinded: kind('blinded', name),
      precedents: Object.fromEntries([...precedents.byCount].flatMap(([count, { cheats }]) => { const found = detectionOf(cheats.get(name)); return found === undefined ? [] : [[count, found]]; })),
      blocks: blocks.cheats.get(name) ?? {},
    }])),
    copies: {
      method: evaluation.copies.plugin.name,
      cheats: Object.fromEntries([...evaluation.copies.cheats].map(([name, detection]) => {
        const { deployed: _, ...rest } = detectionOf(detection)!;
        return [name, rest];
      })),
    },
    precedents: {
      byCount: Object.fromEntries([...precedents.byCount].map(([count, result]) => {
        const scores = precedents.scores.get(count)!;
        return [count, {
          jobs: precedents.jobs.get(count)!, comparisons: result.honest.pairs, heldOut: heldOutOf(result), ci: result.honest.heldOut.at1pct.ci, limit: thresholdAt(scores, 0.01),
          deployed: scores.filter((score) => score > CLASS_LIMIT).length / scores.length,
        }];
      })),
      priors: Object.fromEntries(DISTANCE_BLOCKS.map((name, k) => [name, precedents.priors[k]!])),
      limits: Object.fromEntries([...precedents.limits].map(([count, limits]) => [count, Object.fromEntries(DISTANCE_BLOCKS.map((name, k) => [name, limits[k]!]))])),
      scores: CLASS_SCORES.slice(1).map(([, share]) => [thresholdAt([...precedents.scores.values()][0] ?? Float64Array.of(0), share), share]),
    },
    windows: {
      jobs: late.jobs, growing: late.growing, honest: late.honest.rate, upper95: late.honest.ci[1],
      caught: late.caught.map(({ share, way, rate: { rate, ci } }) => ({ share, way, rate, ci })),
    },
    engines: engines.map(({ engine, jobs: count, runs: recorded, channels, alarms, beside, full: byFull, precedents: byPast }) => ({
      engine, jobs: count, runs: recorded, channels,
      honest: { pairs: alarms.trials, falseAlarmRate: alarms.rate, upper95: alarms.upper95 },
      beside: beside === undefined ? null : { pairs: beside.trials, falseAlarmRate: beside.rate },
      cheats: Object.fromEntries([...byFull.cheats].map(([name, detection]) => [name, { full: detectionOf(detection), precedents: detectionOf(byPast?.cheats.get(name)) ?? null }])),
    })),
    disturbance: disturbanceOf(jobs),
    majority: { honest: decisions.honest, cheats: Object.fromEntries([...decisions.cheats].filter(([name]) => tried.some((attack) => attack.name === name))) },
    conditions: evaluation.conditions.map(groupOf),
    programs: evaluation.programs.map((group) => {
      const { kind, deterministic, honest } = jobs.find(({ name }) => name === group.name)!;
      return { ...groupOf(group), kind, deterministic, runs: honest.length };
    }),
  }));
}

function groupOf({ rocs, ...group }: GroupResult) {
  const of = (value: 'eer' | 'auc') => Object.fromEntries(Object.entries(rocs).map(([name, roc]) => [name, roc[value]]));
  return { ...group, eer: of('eer'), auc: of('auc') };
}

function alarmsOf(result: FingerprintResult | undefined) {
  if (result === undefined) return undefined;
  const { pairs, deployed } = result.honest;
  return { pairs, falseAlarmRate: deployed?.rate, upper95: deployed?.upper95, heldOut: heldOutOf(result) };
}

function heldOutOf(result: FingerprintResult | undefined) {
  return result && { at1pct: result.honest.heldOut.at1pct.rate, at01pct: result.honest.heldOut.at01pct.rate };
}

function detectionOf(detection: Detection | undefined) {
  if (detection === undefined) return undefined;
  const { at1pct, at01pct, deployed, roc } = detection;
  return { at1pct: at1pct.rate, at01pct: at01pct.rate, ci: at1pct.ci, deployed: deployed?.rate ?? null, auc: roc.auc, eer: roc.eer };
}

/** All numbers to a few digits, whole ones as they are, so that a report's differences can be read. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? Number(value.toFixed(DIGITS)) : value;
  if (Array.isArray(value)) return value.map(rounded);
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rounded(inner)]));
  return value;
}
