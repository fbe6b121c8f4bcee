import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { keyedNumber, numberAt, parseNumbers, parseStat, type ProcessStat } from './proc-parse.ts';

const empty = (): ProcessStat => ({ ended: false, parent: 0, minorFaults: 0, majorFaults: 0, userTicks: 0, systemTicks: 0, threads: 0, startTicks: 0 });
const rest = (state: string) => `${state} 17 1 1 0 -1 4194304 100 20 3 4 50 60 7 8 20 -5 9 0 123456 99 0 18446744073709551615 0`;

test('parseStat adds own and inherited counters', () => {
  const text = Buffer.from(`42 (cat) ${rest('S')}\n`);
  const stat = empty();
  assert.equal(parseStat(text, text.length, stat), true);
  assert.deepEqual(stat, { ended: false, parent: 17, minorFaults: 120, majorFaults: 7, userTicks: 57, systemTicks: 68, threads: 9, startTicks: 123456 });
});

test('parseStat is not fooled by a command\'s name', () => {
  fc.assert(fc.property(fc.string({ maxLength: 15 }), fc.constantFrom('R', 'S', 'D', 'Z', 'X'), (name, state) => {
    const text = Buffer.from(`42 (${name}) ${rest(state)}`);
    const stat = empty();
    assert.equal(parseStat(text, text.length, stat), true);
    assert.deepEqual([stat.ended, stat.startTicks], ['ZX'.includes(state), 123456]);
  }));
});

test('parseStat refuses what is cut off', () => {
  const text = Buffer.from(`42 (cat) ${rest('S')}`);
  for (const length of [-1, 0, 5, 8, 20, 40]) assert.equal(parseStat(text, length, empty()), false, String(length));
});

test('parseStat reads the running kernel', () => {
  const text = readFileSync('/proc/self/stat');
  const stat = empty();
  assert.equal(parseStat(text, text.length, stat), true);
  assert.equal(stat.parent, process.ppid);
  assert.ok(stat.threads > 1 && stat.minorFaults > 100 && stat.startTicks > 0);
});

test('numberAt picks the n-th number of /proc/pid/io', () => {
  const text = Buffer.from('rchar: 12\nwchar: 345\nsyscr: 6\nsyscw: 7890123456789\n');
  assert.deepEqual([0, 1, 2, 3].map((n) => numberAt(text, text.length, n)), [12, 345, 6, 7890123456789]);
  assert.ok(Number.isNaN(numberAt(text, text.length, 4)));
  assert.ok(Number.isNaN(numberAt(text, -1, 0)));
});

test('keyedNumber wants the whole key at a line\'s start, inside the length', () => {
  const text = Buffer.from('total_rss 1\nrss_huge 2\nrss 33\nfile 4\n');
  assert.equal(keyedNumber(text, text.length, 'rss '), 33);
  assert.equal(keyedNumber(text, text.length, 'total_rss '), 1);
  assert.ok(Number.isNaN(keyedNumber(text, 20, 'rss ')));
  assert.ok(Number.isNaN(keyedNumber(text, text.length, 'anon ')));
});

test('parseNumbers reads a list of ids', () => {
  fc.assert(fc.property(fc.array(fc.nat()), (ids) => {
    const text = Buffer.from(ids.map((id) => `${id}\n`).join(''));
    const into: number[] = [];
    parseNumbers(text, text.length, into);
    assert.deepEqual(into, ids);
  }));
});
