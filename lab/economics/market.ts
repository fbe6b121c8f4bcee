import { weightOf } from '../../src/protocol/rules/draw.ts';
import { BPS, MAX_BIDS } from '../../src/protocol/constants.ts';
import type { Reputation } from '../../src/protocol/rules/reputation.ts';
import { randomOf, type Random } from '../corpus/inputs/random.ts';
import { rate, scoreOf, settle, TERMS, type Fault, type Seat } from './rules.ts';
import { HONEST, type Action, type Self, type Strategy } from './strategies.ts';

/** Costs and rates of a market; coin is in prices of one replica. */
export interface MarketInit {
  /** Each operator has one stake; strategies by operator. */
  operators: readonly Strategy[];
  clients: number;
  /** Share of the clients that reject an honest seat at random in every job. */
  badMouthing?: number;
  /** Share of the clients that never settle. */
  silent?: number;
  jobsPerDay: number;
  days: number;
  replicas: number;
  /** Chance that a job of one replica is widened to three once it has committed; and the stake of one replica, in prices, where it is not the default. */
  audit?: number;
  stake?: number;
  /** Lowest score a client hires, 0 to 1; and the share of jobs that take anyone, so that newcomers start somewhere. */
  bar: number;
  openJobs?: number;
  /** Chance that a run nobody did is told from an honest one: the laboratory's. */
  detection: number;
  /** Chance that an honest run is told from its peers. */
  falseAlarm: number;
  /** What the work costs, what pretending does, and a message to the chain. */
  costs: { work: number; cheat: number; message: number };
  seed: number;
}

export const DEFAULTS: Omit<MarketInit, 'operators'> = {
  clients: 20, jobsPerDay: 200, days: 60, replicas: 3, bar: 0, detection: 0.99, falseAlarm: 0.01,
  costs: { work: 0.5, cheat: 0.02, message: 0.01 }, seed: 1,
};

/** One name on chain. */
export interface Name { operator: Operator; reputation: Reputation; stake: number; self: Self; weight: number; weighedOn: number; /** Score after each of its jobs. */ history: number[]; scoreOn(day: number): number }

/** Who is behind one or more names. */
export interface Operator { strategy: Strategy; profit: number; seats: number; rejected: number; names: Name[]; /** Names given up. */ left: number }

export interface MarketResult {
  operators: Operator[];
  /** Reputation of each client at the end, 0 to 1. */
  clients: { kind: 'fair' | 'bad-mouthing' | 'silent'; score: number; coin: number; jobs: number }[];
  /** Jobs by how they ended. */
  jobs: { settled: number; undecided: number; unfilled: number };
  burnt: number;
  lastDay: number;
}

/** An operator's whole stake, in prices: room for 20 replicas at once. */
const STAKE = 100;

/**
 * Runs a market of jobs, each drawn, compared, disputed and settled by the contract's rules (`rules.ts`, `weightOf`), and counts who
 * earns what. Every job ends before the next begins, so stakes are never short. Deterministic for a seed.
 */
export function runMarket(init: MarketInit): MarketResult {
  const random = randomOf(init.seed);
  const operators = init.operators.map((strategy): Operator => {
    const operator: Operator = { strategy, profit: 0, seats: 0, rejected: 0, names: [], left: 0 };
    for (let i = 0; i < (strategy.names ?? 1); i++) operator.names.push(newName(operator, STAKE / (strategy.names ?? 1), 0));
    return operator;
  });
  const clients = Array.from({ length: init.clients }, (_, i) => {
    const place = (i + 0.5) / init.clients;
    const kind = place < (init.badMouthing ?? 0) ? 'bad-mouthing' as const : place > 1 - (init.silent ?? 0) ? 'silent' as const : 'fair' as const;
    return { kind, coin: 0, jobs: 0, reputation: { good: 0, bad: 0, day: 0 } as Reputation };
  });
  const jobs = { settled: 0, undecided: 0, unfilled: 0 };
  const terms = { ...TERMS, stake: init.stake ?? TERMS.stake };
  let burnt = 0;
  for (let day = 0; day < init.days; day++) {
    for (let n = 0; n < init.jobsPerDay; n++) {
      const client = random.pick(clients);
      const bar = random.uniform() < (init.openJobs ?? 0) ? 0 : init.bar;
      const names = operators.flatMap((operator) => operator.names);
      const roster = draw(names, bar, init.replicas, day, random, terms.stake);
      if (roster.length < init.replicas) { jobs.unfilled++; continue; }
      const actions = act(roster, random, day);
      // A silent client audits nobody.
      const audited = init.audit !== undefined && client.kind !== 'silent' && random.uniform() < init.audit;
      if (audited) {
        const newcomers = draw(names.filter((name) => !roster.includes(name)), bar, init.replicas + 1, day, random, terms.stake);
        roster.push(...newcomers);
        // Who was drawn first has committed by now; of a ring, only newcomers can still act together.
        actions.push(...act(newcomers, random, day));
      }
      const { seats, fault, wronged, undecided } = judge(actions, client.kind, init, random);
      const outcome = settle(seats, fault, wronged, terms, audited ? { first: init.replicas, caller: 'client' } : undefined);
      roster.forEach((name, i) => book(name, actions[i]!, seats[i]!, outcome.seats[i]!, init, day));
      client.coin += outcome.client.coin;
      client.jobs++;
      client.reputation = rate(client.reputation, outcome.client, day);
      burnt += outcome.burnt;
      jobs[undecided ? 'undecided' : 'settled']++;
    }
    for (const operator of operators) renew(operator, day);
  }
  const lastDay = init.days - 1;
  return { operators, jobs, burnt, lastDay, clients: clients.map(({ kind, coin, jobs: count, reputation }) => ({ kind, coin, jobs: count, score: scoreOf(reputation, lastDay) })) };
}

function newName(operator: Operator, stake: number, day: number): Name {
  return {
    operator, reputation: { good: 0, bad: 0, day }, stake, self: { score: 0, jobs: 0, milking: false }, weight: 0, weighedOn: -1, history: [],
    scoreOn(today) { return scoreOf(this.reputation, today); },
  };
}

/** The contract's draw: an exponential race of at most 16 bids. */
function draw(names: readonly Name[], bar: number, replicas: number, day: number, random: Random, stake = TERMS.stake): Name[] {
  const eligible = names.filter((name) => weigh(name, day) > 0 && name.self.score >= bar && name.stake >= stake);
  return random.shuffle(eligible).slice(0, MAX_BIDS)
    .map((name) => ({ name, key: -Math.log(1 - random.uniform()) / name.weight }))
    .sort((a, b) => a.key - b.key).slice(0, replicas).map(({ name }) => name);
}

function weigh(name: Name, day: number): number {
  if (name.weighedOn !== day) {
    name.self.score = scoreOf(name.reputation, day);
    name.weight = Number(weightOf({ node: '0x', price: 1n, locality: 0, stake: BigInt(Math.round(name.stake * 1000)), score: Math.round(name.self.score * BPS) }, 1n));
    name.weighedOn = day;
  }
  return name.weight;
}

function act(roster: readonly Name[], random: Random, day: number): Action[] {
  const actions = roster.map((name) => { weigh(name, day); return name.operator.strategy.act(name.self, random); });
  // A ring shares one made-up run, and does the work where only one of it was drawn.
  return actions.filter((action) => action === 'collude').length > 1 ? actions : actions.map((action) => (action === 'collude' ? 'work' : action));
}

/**
 * What client and contract make of the runs. Runs of the same kind are alike, all cheats among themselves too (two that do nothing look
 * the same), except honest ones told apart by a false alarm; a cheat passes for honest when it is not detected. Who is rejected contests
 * if he did the work, or if there is no majority to lose against.
 */
function judge(actions: readonly Action[], kind: 'fair' | 'bad-mouthing' | 'silent', init: MarketInit, random: Random): { seats: Seat[]; fault: Fault; wronged: boolean[]; undecided: boolean } {
  const groups = actions.map((action, i) => {
    if (action === 'vanish') return 'absent';
    if (action === 'work') return random.uniform() < init.falseAlarm ? `alarm ${i}` : 'work';
    return random.uniform() < init.detection ? action : 'work';
  });
  const present = groups.filter((group) => group !== 'absent');
  const majority = present.find((group) => 2 * present.filter((other) => other === group).length > present.length);
  const truth = groups.map((group) => (group === 'absent' ? 'absent' as const : majority === undefined ? 'undecided' as const : group === majority ? 'agreed' as const : 'deviated' as const));
  const none = actions.map(() => false);
  const undecided = majority === undefined;
  if (kind === 'silent') return { seats: truth.map((verdict) => ({ verdict, contested: false })), fault: 'silent', wronged: none, undecided };
  // The bad-mouth's victim contests, and the contract's own comparison clears it.
  const victim = kind === 'bad-mouthing' && !undecided ? random.pick(truth.flatMap((verdict, i) => (verdict === 'agreed' ? [i] : []))) : -1;
  const seats = truth.map((verdict, i): Seat => ({ verdict, contested: i === victim || (actions[i] === 'work' && verdict === 'deviated') }));
  return { seats, fault: victim >= 0 ? 'lost' : 'none', wronged: none.with(Math.max(victim, 0), victim >= 0), undecided };
}

function book(name: Name, action: Action, seat: Seat, { coin, good, bad }: { coin: number; good: number; bad: number }, { costs }: MarketInit, day: number): void {
  const spent = (action === 'work' ? costs.work : action === 'vanish' ? 0 : costs.cheat) + (seat.contested ? costs.message : 0);
  const { operator } = name;
  operator.profit += coin - spent;
  operator.seats++;
  if (seat.verdict === 'deviated') operator.rejected++;
  name.stake += Math.min(coin, 0);
  name.reputation = rate(name.reputation, { good, bad }, day);
  name.weighedOn = -1;
  name.self.jobs++;
  name.history.push(scoreOf(name.reputation, day));
}

/** Leaves names that are not worth keeping. */
function renew(operator: Operator, day: number): void {
  const { leaves } = operator.strategy;
  if (leaves === undefined) return;
  operator.names = operator.names.map((name) => {
    name.self.score = scoreOf(name.reputation, day);
    if (!leaves(name.self)) return name;
    operator.left++;
    return newName(operator, name.stake, day);
  });
}

/** A market of honest operators but for some of another strategy. */
export function operatorsWith(strategy: Strategy, share: number, count = 100): Strategy[] {
  return Array.from({ length: count }, (_, i) => (i < share * count ? strategy : HONEST));
}
