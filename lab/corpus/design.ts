import { FRACTIONS, HONEST_RUNS, RIGHT_SEED, VARIANT_RUNS, WORK_SHARES } from './constants.ts';
import { randomOf, seedOf } from './inputs/random.ts';
import type { LabRun } from './lab-run.ts';

/** Where and how one run is to be recorded; the engine is the recorder's choice. */
export type Condition = Omit<LabRun['condition'], 'engine'>;

/** One run to record of a job. */
export interface PlannedRun {
  /** Unique within the job: `honest-03`, `wrong-1`, `input-0.9-2`, `work-0.5-0`. */
  slot: string;
  seed: number;
  fraction: number;
  work: number;
  condition: Condition;
}

/** Levels of each condition, each as often as it shall occur among fourteen runs; the first is the plain one. */
export const LEVELS = {
  cpuPercent: [100, 100, 100, 100, 100, 100, 60, 60, 60, 40, 40, 40, 25, 25],
  neighbours: [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3],
  memory: ['ample', 'ample', 'ample', 'ample', 'ample', 'ample', 'ample', 'ample', 'ample', 'tight', 'tight', 'tight', 'tight', 'tight'],
  cache: ['warm', 'warm', 'warm', 'warm', 'warm', 'warm', 'warm', 'warm', 'warm', 'cold', 'cold', 'cold', 'cold', 'cold'],
  intervalMs: [20, 20, 20, 20, 20, 20, 20, 10, 10, 50, 50, 50, 100, 100],
} as const satisfies { [K in keyof Condition]: readonly Condition[K][] };

/**
 * All runs of a job, in the order of their recording: honest and other runs alternate, so that a part of the plan is of use by itself.
 *
 * A seeded fraction of the full product of conditions: every level of every condition occurs in its share of the honest runs, and again
 * of the others, in combinations that differ from job to job. The first honest run is the plain one.
 *
 * @param honest runs of the right input; the variants' numbers follow in proportion
 */
export function planRuns(job: { name: string; knob?: true }, honest = HONEST_RUNS): PlannedRun[] {
  const each = Math.max(1, Math.round((VARIANT_RUNS * honest) / HONEST_RUNS));
  const repeat = (make: (n: number) => Omit<PlannedRun, 'condition'>) => Array.from({ length: each }, (_, n) => make(n));
  const right = { seed: RIGHT_SEED, fraction: 1, work: 1 };
  const good = Array.from({ length: honest }, (_, n) => ({ ...right, slot: `honest-${String(n).padStart(2, '0')}` }));
  const variants = [
    repeat((n) => ({ ...right, slot: `wrong-${n}`, seed: RIGHT_SEED + 1 + n })),
    ...FRACTIONS.map((fraction) => repeat((n) => ({ ...right, slot: `input-${fraction}-${n}`, fraction }))),
    ...(job.knob ? WORK_SHARES.map((work) => repeat((n) => ({ ...right, slot: `work-${work}-${n}`, work }))) : []),
  ];
  const other = Array.from({ length: each }, (_, n) => variants.map((runs) => runs[n]!)).flat();
  const goodConditions = conditions(good.length, seedOf(job.name, 'honest'));
  goodConditions[0] = plainCondition();
  const otherConditions = conditions(other.length, seedOf(job.name, 'other'));
  return [
    ...good.map((run, n) => ({ at: n / good.length, run: { ...run, condition: goodConditions[n]! } })),
    // A little later, so that the first run is an honest one.
    ...other.map((run, n) => ({ at: (n + 1.5) / (other.length + 1), run: { ...run, condition: otherConditions[n]! } })),
  ].sort((a, b) => a.at - b.at).map(({ run }) => run);
}

/** Alone, at full speed, with memory to spare and a warm cache, at the usual interval. */
export function plainCondition(): Condition {
  return { cpuPercent: 100, neighbours: 0, memory: 'ample', cache: 'warm', intervalMs: 20 };
}

/** Each level as often as its share of `count` allows, dealt anew for each condition. */
function conditions(count: number, seed: number): Condition[] {
  const random = randomOf(seed);
  const deal = <T>(levels: readonly T[]) => random.shuffle(Array.from({ length: count }, (_, i) => levels[Math.floor(((i + random.uniform()) * levels.length) / count)]!));
  const columns = { cpuPercent: deal(LEVELS.cpuPercent), neighbours: deal(LEVELS.neighbours), memory: deal(LEVELS.memory), cache: deal(LEVELS.cache), intervalMs: deal(LEVELS.intervalMs) };
  return Array.from({ length: count }, (_, i) => ({
    cpuPercent: columns.cpuPercent[i]!, neighbours: columns.neighbours[i]!, memory: columns.memory[i]!, cache: columns.cache[i]!, intervalMs: columns.intervalMs[i]!,
  }));
}
