import { z } from 'zod';

const share = z.number().min(0).max(1);
const interval = z.tuple([share, share]);

/** One fingerprint against one cheat. */
const detection = z.strictObject({
  /** Detection at the thresholds at which the other programs' honest pairs raise 1 % and 0.1 % false alarms. */
  at1pct: share,
  at01pct: share,
  /** 95 % interval of `at1pct`. */
  ci: interval,
  /** Detection by the threshold the product uses; null where there is none. */
  deployed: share.nullable(),
  auc: share,
  eer: share,
});

/** `ci`: 95 % interval of `right`, over programs; not in every report. */
const outcomes = z.strictObject({ decisions: z.int().min(0), right: share, ci: interval.optional(), cheatPaid: share, honestRejected: share, undecided: share });
/** `words`: a client that knew the outputs' words as well, which is not in use. */
const judged = z.strictObject({ client: outcomes, contract: outcomes, words: outcomes });
/** False alarms at thresholds from the other programs: what was promised as 1 % and 0.1 %. */
const heldOut = z.strictObject({ at1pct: share, at01pct: share });
const falseAlarms = z.strictObject({ pairs: z.int().min(0), falseAlarmRate: share, upper95: share, heldOut });
const group = z.strictObject({
  name: z.string(), pairs: z.int().min(0), falseAlarms: z.int().min(0),
  median: z.number(), p99: z.number(), worstBlock: z.string(),
  /** Detection by the full fingerprint at 1 % false alarms, by cheat. */
  cheats: z.record(z.string(), share),
  /** Its equal error rate there, and the area under its curve, by cheat; the latter is not in every report. */
  eer: z.record(z.string(), share),
  auc: z.record(z.string(), share).optional(),
});

/** What `lab/report.json` holds. */
export const labReportSchema = z.strictObject({
  version: z.literal(2),
  date: z.iso.date(),
  corpus: z.strictObject({ runs: z.int().min(1), jobs: z.int().min(1), programs: z.int().min(1), machines: z.array(z.string()) }),
  /** The deployed rule of the full fingerprint on honest pairs, over all conditions. */
  honest: falseAlarms.extend({
    /** The same for the sketch, and for both by their strict tolerances. */
    others: z.record(z.string(), falseAlarms),
    refitted: heldOut,
    /** Share of pairs that each block alone would reject. */
    blocks: z.record(z.string(), share),
  }),
  cheats: z.record(z.string(), z.strictObject({
    about: z.string(), pairs: z.int().min(1),
    full: detection, sketch: detection,
    /** The full fingerprint with all tolerances, too, from the other programs only. */
    refitted: detection,
    /** By the strict tolerances, which decide where a majority of replicas keeps them. */
    strict: z.strictObject({ full: detection, sketch: detection }),
    baselines: z.record(z.string(), detection),
    /** Blocks that the product does not have. */
    tried: z.record(z.string(), detection),
    /** The full fingerprint of traces that lack channels. */
    blinded: z.record(z.string(), detection),
    /** One run, without peers, beside so many earlier ones of the same work. */
    precedents: z.record(z.string(), detection),
    /** Share of pairs that each block alone would reject. */
    blocks: z.record(z.string(), share),
  })),
  /** Cheats that hand in a true trace, found by agreeing too much with the run it came from. */
  copies: z.strictObject({
    method: z.string(),
    cheats: z.record(z.string(), z.strictObject({ at1pct: share, at01pct: share, ci: interval, auc: share, eer: share })),
  }),
  /** Single runs beside earlier ones, by their number: honest runs told apart at the thresholds of other programs, and what the product takes from it. */
  precedents: z.strictObject({
    byCount: z.record(z.string(), z.strictObject({ jobs: z.int().min(1), comparisons: z.int().min(1), heldOut, ci: interval, limit: z.number(), deployed: share })),
    /** Usual deviation of each block, in tolerances. */
    priors: z.record(z.string(), z.number()),
    /** How many times the usual deviation honest runs go in each block, by number of earlier runs. */
    limits: z.record(z.string(), z.record(z.string(), z.number())),
    /** Scores that these shares of honest runs reach, with the fewest earlier runs. */
    scores: z.array(z.tuple([z.number(), share])),
  }),
  /** Nodes that name the right result but have only a share of it, by the windows they open; and honest ones, by the same check. */
  windows: z.strictObject({
    jobs: z.int().min(0),
    /** Of these, jobs some of whose output is there before the end. */
    growing: z.int().min(0),
    honest: share, upper95: share,
    caught: z.array(z.strictObject({ share, way: z.string(), rate: share, ci: interval })),
  }),
  /** Engines other than the container. */
  engines: z.array(z.strictObject({
    engine: z.string(), jobs: z.int().min(1), runs: z.int().min(1), channels: z.array(z.string()),
    honest: z.strictObject({ pairs: z.int().min(0), falseAlarmRate: share, upper95: share }),
    beside: z.strictObject({ pairs: z.int().min(0), falseAlarmRate: share }).nullable(),
    cheats: z.record(z.string(), z.strictObject({ full: detection, precedents: detection.nullable() })),
  })),
  /** Time of a fixed loop beside each run over that of the fastest: how much the machine's cores were disturbed. */
  disturbance: z.strictObject({ median: z.number(), p90: z.number(), max: z.number(), cpuSpread: z.number(), cpuSpreadScaled: z.number() }).nullable(),
  /** Decisions of three replicas: all honest; one cheat beside two honest; two accomplices beside one honest. */
  majority: z.strictObject({ honest: judged, cheats: z.record(z.string(), z.strictObject({ one: judged, two: judged })) }),
  conditions: z.array(group),
  programs: z.array(group.extend({ kind: z.string(), deterministic: z.boolean(), runs: z.int().min(1) })),
});

export type LabReport = z.infer<typeof labReportSchema>;
