import { auditBpsFor } from '../../src/protocol/rules/audit-probability.ts';
import { BPS } from '../../src/protocol/constants.ts';
import { DEFAULTS, operatorsWith, runMarket, type MarketInit, type MarketResult, type Operator } from './market.ts';
import { COLLUDER, HONEST, STRATEGIES, type Strategy } from './strategies.ts';

/** Score below which a careful client does not hire: `minScoreBps` 8000. */
export const HIRING_BAR = 0.8;
const BARS = [0.6, 0.7, 0.75, HIRING_BAR, 0.85];
/** Jobs within which a node that cheats in a tenth of its jobs should have shown itself. */
const JUDGED_AFTER_JOBS = 30;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);
const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

/** What an operator of one strategy earns against an honest one of the same market. */
export interface StrategyRow {
  strategy: string;
  /** Prices of one replica earned a day, after costs and losses, by an operator; and by an honest one beside it. */
  perDay: number;
  honestPerDay: number;
  /** The same a seat. */
  perSeat: number;
  honestPerSeat: number;
  /** Share of its seats that were rejected. */
  rejected: number;
  /** Mean score of its names at the end, and of honest ones. */
  score: number;
  honestScore: number;
  /** Names it used up. */
  namesLeft: number;
  /** It earns less than by working. */
  loses: boolean;
}

/** All results; see docs/economics.md for what they say. */
export interface EconomicsResult {
  assumptions: Record<string, unknown>;
  strategies: StrategyRow[];
  withBar: StrategyRow[];
  /** Shares of names below a bar after `jobs` jobs: cheats in a tenth of their jobs, and honest ones. */
  hiringBar: { bar: number; jobs: number; cheatsATenthBelow: number; honestBelow: number }[];
  detection: { detection: number; row: StrategyRow }[];
  collusion: { share: number; row: StrategyRow }[];
  badMouthing: { share: number; honestScore: number; honestBelowBar: number; badMouthScore: number; badMouthCoinPerJob: number; fairCoinPerJob: number }[];
  single: StrategyRow;
  /** Jobs of one replica with audits: always cheating, and cheating now and then, by the stake of a replica in prices and the chance of an audit. */
  audits: { stake: number; audit: number; part: number; strategy: string; row: StrategyRow; clientPaysPerJob: number }[];
  /** In words, what does not hold. */
  breaks: string[];
}

/** Runs every market of the report. About a minute. */
export function economics({ seed = 1, days = DEFAULTS.days, onProgress = () => {} }: { seed?: number; days?: number; onProgress?: (what: string) => void } = {}): EconomicsResult {
  const base = { ...DEFAULTS, seed, days };
  const row = (strategy: Strategy, share: number, change: Partial<MarketInit> = {}): StrategyRow => {
    onProgress(`${strategy.name}, ${share * 100} % of the nodes`);
    return compare(strategy, runMarket({ ...base, ...change, operators: operatorsWith(strategy, share) }), days);
  };
  const always = STRATEGIES[0]!;
  const tenth = STRATEGIES.find(({ name }) => name === 'cheats 10 %')!;
  const strategies = STRATEGIES.map((strategy) => row(strategy, 0.1));
  const withBar = STRATEGIES.map((strategy) => row(strategy, 0.1, { bar: HIRING_BAR, ...warm }));
  const detection = [0.99, 0.9, 0.7, 0.6, 0.5, 0.3, 0.1].map((chance) => ({ detection: chance, row: row(always, 0.1, { detection: chance }) }));
  const collusion = [0.05, 0.1, 0.2, 0.3, 0.4, 0.45].map((share) => ({ share, row: row(COLLUDER, share) }));
  const single = row(always, 0.1, { replicas: 1 });
  const audits = [5, 10, 20, 40].flatMap((stake) => [0.5, 1].flatMap((part) => [always, tenth].map((strategy) => {
    const audit = part * chanceOf(stake);
    onProgress(`one replica, stake ${stake}, ${round(audit * 100)} % audited, ${strategy.name}`);
    const result = runMarket({ ...base, replicas: 1, stake, audit, operators: operatorsWith(strategy, 0.1) });
    return { stake, audit: round(audit, 3), part, strategy: strategy.name, row: compare(strategy, result, days), clientPaysPerJob: round(-mean(result.clients.map(({ coin, jobs }) => coin / Math.max(jobs, 1)))) };
  })));
  const hiringBar = judgedAfter(runMarket({ ...base, jobsPerDay: 10 * base.jobsPerDay, days: 10, operators: operatorsWith(tenth, 0.2, 500) }), tenth);
  const badMouthing = [0, 0.1, 0.3, 0.5].map((share) => ({ share, ...ratings(runMarket({ ...base, badMouthing: share, operators: operatorsWith(HONEST, 1) })) }));
  const breaks = [
    ...strategies.filter(({ loses }) => !loses).map(({ strategy }) => `"${strategy}" earns as much as working`),
    ...detection.filter((one) => !one.row.loses).slice(0, 1).map((one) => `always cheating pays once only ${one.detection * 100} % of it is told apart`),
    ...collusion.filter((one) => !one.row.loses).slice(0, 1).map((one) => `a ring of ${one.share * 100} % of the stake earns more than by working: it has two of three seats often enough`),
    ...hiringBar.filter(({ bar }) => bar === HIRING_BAR).flatMap(({ cheatsATenthBelow, honestBelow }) => (cheatsATenthBelow >= 0.95 && honestBelow <= 0.05 ? [] : [
      `at a bar of ${HIRING_BAR}, ${round(cheatsATenthBelow * 100)} % of those that cheat in a tenth of their jobs are below it after ${JUDGED_AFTER_JOBS} jobs, and ${round(honestBelow * 100)} % of the honest`])),
    ...(single.loses ? [] : ['jobs of one replica that nobody audits are compared with nothing: cheating there pays']),
    ...audits.filter((one) => one.part === 1 && !one.row.loses).map(({ strategy, stake, audit }) => `"${strategy}" pays in jobs of one replica with a stake of ${stake} prices, ${round(audit * 100)} % of them audited`),
  ];
  const { costs, replicas, falseAlarm, detection: chance, clients, jobsPerDay } = base;
  return { assumptions: { seed, days, costs, replicas, falseAlarm, detection: chance, clients, jobsPerDay, nodes: 100, stakeInPrices: 100 }, strategies, withBar, hiringBar, detection, collusion, badMouthing, single, audits, breaks };
}

/** The chance of an audit that a client takes by default, 0 to 1, for any node and a stake in prices. */
const chanceOf = (stake: number): number => auditBpsFor({ price: 1n, stake: BigInt(stake), score: 0 }) / BPS;

/** Newcomers must start somewhere: every fifth job takes anyone. */
const warm: Partial<MarketInit> = { openJobs: 0.2 };

function compare(strategy: Strategy, { operators, lastDay }: MarketResult, days: number): StrategyRow {
  const theirs = operators.filter((operator) => operator.strategy === strategy);
  const honest = operators.filter((operator) => operator.strategy === HONEST);
  const perDay = (group: readonly Operator[]) => mean(group.map(({ profit }) => profit / days));
  const perSeat = (group: readonly Operator[]) => group.reduce((sum, { profit }) => sum + profit, 0) / Math.max(group.reduce((sum, { seats }) => sum + seats, 0), 1);
  const score = (group: readonly Operator[]) => mean(group.flatMap(({ names }) => names.map((name) => name.scoreOn(lastDay))));
  const seats = theirs.reduce((sum, operator) => sum + operator.seats, 0);
  return {
    strategy: strategy.name,
    perDay: round(perDay(theirs)), honestPerDay: round(perDay(honest)), perSeat: round(perSeat(theirs)), honestPerSeat: round(perSeat(honest)),
    rejected: round(theirs.reduce((sum, { rejected }) => sum + rejected, 0) / Math.max(seats, 1), 3),
    score: round(score(theirs)), honestScore: round(score(honest)), namesLeft: theirs.reduce((sum, { left }) => sum + left, 0),
    loses: perDay(theirs) < perDay(honest),
  };
}

function judgedAfter({ operators }: MarketResult, strategy: Strategy): EconomicsResult['hiringBar'] {
  const below = (group: readonly Operator[], bar: number) => {
    const scores = group.flatMap(({ names }) => names).flatMap(({ history }) => history[JUDGED_AFTER_JOBS - 1] ?? []);
    return round(mean(scores.map((score) => (score < bar ? 1 : 0))), 3);
  };
  return BARS.map((bar) => ({
    bar, jobs: JUDGED_AFTER_JOBS,
    cheatsATenthBelow: below(operators.filter((operator) => operator.strategy === strategy), bar),
    honestBelow: below(operators.filter((operator) => operator.strategy === HONEST), bar),
  }));
}

function ratings({ operators, clients, lastDay }: MarketResult): Omit<EconomicsResult['badMouthing'][number], 'share'> {
  const scores = operators.flatMap(({ names }) => names.map((name) => name.scoreOn(lastDay)));
  const of = (kind: string) => clients.filter((client) => client.kind === kind);
  const perJob = (group: ReturnType<typeof of>) => round(mean(group.map(({ coin, jobs }) => coin / Math.max(jobs, 1))));
  return {
    honestScore: round(mean(scores)), honestBelowBar: round(mean(scores.map((score) => (score < HIRING_BAR ? 1 : 0))), 3),
    badMouthScore: round(mean(of('bad-mouthing').map(({ score }) => score))), badMouthCoinPerJob: perJob(of('bad-mouthing')), fairCoinPerJob: perJob(of('fair')),
  };
}
