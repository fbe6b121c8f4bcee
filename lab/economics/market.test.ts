import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { auditBpsFor } from '../../src/protocol/rules/audit-probability.ts';
import { DEFAULTS, operatorsWith, runMarket, type MarketInit } from './market.ts';
import { COLLUDER, HONEST, STRATEGIES, type Strategy } from './strategies.ts';

const market = (strategy: Strategy, share: number, change: Partial<MarketInit> = {}) => runMarket({ ...DEFAULTS, days: 20, ...change, operators: operatorsWith(strategy, share) });
const profits = ({ operators }: ReturnType<typeof market>, strategy: Strategy) => {
  const group = operators.filter((operator) => operator.strategy === strategy);
  return group.reduce((sum, { profit }) => sum + profit, 0) / group.length;
};

describe('a market', () => {
  it('is the same for the same seed, and another for another', () => {
    const [a, b, c] = [1, 1, 2].map((seed) => market(STRATEGIES[1]!, 0.1, { seed }).operators.map(({ profit }) => profit));
    assert.deepEqual(a, b);
    assert.notDeepEqual(a, c);
  });

  it('ends every job it begins', () => {
    const { jobs } = market(STRATEGIES[0]!, 0.3, { badMouthing: 0.2, silent: 0.1 });
    assert.equal(jobs.settled + jobs.undecided + jobs.unfilled, 20 * DEFAULTS.jobsPerDay);
    assert.equal(jobs.unfilled, 0);
  });

  for (const strategy of STRATEGIES) {
    it(`pays less to who ${strategy.name} than to who works`, () => {
      const result = market(strategy, 0.1);
      assert.ok(profits(result, strategy) < profits(result, HONEST));
    });
  }

  it('does not let bad-mouthing clients ruin an honest name, and makes them pay', () => {
    const { operators, clients, lastDay } = market(HONEST, 1, { badMouthing: 0.3 });
    assert.ok(operators.every(({ names }) => names[0]!.scoreOn(lastDay) > 0.5));
    const cost = (kind: string) => { const group = clients.filter((client) => client.kind === kind); return group.reduce((sum, { coin, jobs }) => sum + coin / jobs, 0) / group.length; };
    assert.ok(cost('bad-mouthing') < cost('fair') - 0.9);
  });

  it('pays less to who cheats alone, where one replica is audited by the default chance', () => {
    for (const stake of [5, 20]) {
      const audit = auditBpsFor({ price: 1n, stake: BigInt(stake), score: 0 }) / 10_000;
      for (const strategy of [STRATEGIES[0]!, STRATEGIES[2]!]) {
        const result = market(strategy, 0.1, { replicas: 1, stake, audit });
        assert.ok(profits(result, strategy) < profits(result, HONEST), `${strategy.name}, ${stake}`);
      }
      const unaudited = market(STRATEGIES[0]!, 0.1, { replicas: 1, stake });
      assert.ok(profits(unaudited, STRATEGIES[0]!) > profits(unaudited, HONEST));
    }
  });

  it('cannot keep a ring from earning where it has two seats of three', () => {
    const result = market(COLLUDER, 0.3);
    assert.ok(profits(result, COLLUDER) > profits(result, HONEST));
  });
});
