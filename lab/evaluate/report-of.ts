import type { Detection, FingerprintResult } from './detection.ts';
import { DIGITS } from './constants.ts';
import type { Evaluation } from './evaluate.ts';
import { full, fullStrict } from './fingerprints/full.ts';
import { sketch, sketchStrict } from './fingerprints/sketch.ts';
import { REFITTED } from './refit.ts';
import { labReportSchema, type LabReport } from './report-schema.ts';

/**
 * An evaluation as the report that is committed.
 *
 * @throws ZodError when the evaluation left out a fingerprint that the report must have
 */
export function reportOf(evaluation: Evaluation, date: Date): LabReport {
  const { results, attacks, jobs, runs, decisions, blocks } = evaluation;
  const baselines = [...results.values()].filter(({ plugin }) => plugin.kind === 'baseline');
  const of = (name: string, attack: string) => detectionOf(results.get(name)?.cheats.get(attack));
  const tried = attacks.filter(({ name }) => results.get(full.name)?.cheats.has(name));
  return labReportSchema.parse(rounded({
    version: 1,
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
      baselines: Object.fromEntries(baselines.map(({ plugin }) => [plugin.name, of(plugin.name, name)])),
      blocks: blocks.cheats.get(name) ?? {},
    }])),
    copies: {
      method: evaluation.copies.plugin.name,
      cheats: Object.fromEntries([...evaluation.copies.cheats].map(([name, detection]) => {
        const { deployed: _, ...rest } = detectionOf(detection)!;
        return [name, rest];
      })),
    },
    majority: { honest: decisions.honest, cheats: Object.fromEntries([...decisions.cheats].filter(([name]) => tried.some((attack) => attack.name === name))) },
    conditions: evaluation.conditions,
    programs: evaluation.programs.map((group) => {
      const { kind, deterministic, honest } = jobs.find(({ name }) => name === group.name)!;
      return { ...group, kind, deterministic, runs: honest.length };
    }),
  }));
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
