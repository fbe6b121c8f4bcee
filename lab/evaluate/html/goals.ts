import type { LabReport } from '../report-schema.ts';

/** A number that counts, and what it came to. */
export interface Goal { label: string; value: string; goal?: string; met?: boolean }

const PERCENT = (share: number) => `${Number((100 * share).toFixed(share > 0.99 && share < 1 ? 2 : 1))} %`;

/** The product's goals for detection at 1 % false alarms, by cheat. */
const DETECTION_GOALS: readonly (readonly [cheat: string, goal: number])[] = [
  ['another program', 0.999], ['half of the input', 0.99], ['half of the work', 0.99], ['90 % of the input', 0.95], ['90 % of the work', 0.95],
];

/** Only its output gives it away, so that it takes replicas with equal outputs to name it. */
const WRONG_INPUT = 'other input of equal size';
const WRONG_INPUT_GOAL = 0.95;

/** What was promised of the fingerprint, beside what the laboratory found. */
export function goalsOf({ honest, cheats, copies, majority, precedents }: LabReport): Goal[] {
  const copied = Object.values(copies.cheats).map(({ at1pct }) => at1pct);
  const [count, { jobs } = { jobs: 0 }] = Object.entries(precedents.byCount).at(-1) ?? [];
  const worst = copied.length === 0 ? undefined : Math.min(...copied);
  return [
    { label: `false alarms of the deployed rule, ${honest.pairs.toLocaleString('en')} honest pairs (upper 95 % bound ${PERCENT(honest.upper95)})`, value: PERCENT(honest.falseAlarmRate), goal: 'at most 1 %, bound at most 1.5 %', met: honest.falseAlarmRate <= 0.01 && honest.upper95 <= 0.015 },
    ...DETECTION_GOALS.flatMap(([name, goal]): Goal[] => {
      const found = cheats[name]?.full;
      return found === undefined ? [] : [{ label: `caught: ${name}`, value: PERCENT(found.at1pct), goal: `at least ${PERCENT(goal)}`, met: found.at1pct >= goal }];
    }),
    ...Object.entries(majority.cheats).filter(([name]) => name === WRONG_INPUT).map(([name, { one }]): Goal => (
      { label: `caught by a client in decisions of three: ${name}`, value: PERCENT(one.client.right), goal: `at least ${PERCENT(WRONG_INPUT_GOAL)}`, met: one.client.right >= WRONG_INPUT_GOAL })),
    ...(count === undefined ? [] : [...DETECTION_GOALS.slice(2), [WRONG_INPUT, WRONG_INPUT_GOAL] as const].flatMap(([name, goal]): Goal[] => {
      const found = cheats[name]?.precedents[count];
      return found === undefined ? [] : [{ label: `caught beside ${count} earlier runs, without a peer (${jobs} jobs): ${name}`, value: PERCENT(found.at1pct), goal: `at least ${PERCENT(goal)}`, met: found.at1pct >= goal }];
    })),
    ...(worst === undefined ? [] : [{ label: `copies flagged, the worst kind, by ${copies.method}`, value: PERCENT(worst), goal: 'at least 95 %', met: worst >= 0.95 }]),
  ];
}
