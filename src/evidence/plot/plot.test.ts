import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { anyTrace, runProfile, runTrace } from '../test-support/run.ts';
import { axisTicks } from './axis-ticks.ts';
import { decimate, type Point } from './decimate.ts';
import { headline } from './headline.ts';
import { renderReport } from './render-report.ts';
import type { ReportJob } from './report-data.ts';
import { PANELS, panelPlot, tracePlot } from './trace-plot.ts';

describe('axisTicks', () => {
  it('covers the data in round steps', () => fc.assert(fc.property(fc.double({ min: 1e-9, max: 1e12, noNaN: true }), (max) => {
    const ticks = axisTicks(max);
    assert.ok(ticks[0] === 0 && ticks.at(-1)! >= max * (1 - 1e-9) && ticks.length >= 2 && ticks.length <= 7, String(ticks));
  })));
  it('survives what has no extent', () => {
    for (const max of [0, -1, Number.NaN, Infinity]) assert.deepEqual(axisTicks(max), [0, 1]);
  });
});

describe('decimate', () => {
  it('keeps ends and peaks within the limit', () => fc.assert(fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 3000 }), (ys) => {
    const points = ys.map((y, x): Point => [x, y]);
    const kept = decimate(points, 100);
    assert.ok(kept.length <= Math.max(100, 1));
    assert.deepEqual([kept[0], kept.at(-1)], [points[0], points.at(-1)]);
    assert.equal(kept.reduce((max, [, y]) => Math.max(max, y), -Infinity), ys.reduce((a, b) => Math.max(a, b)));
    assert.ok(kept.every(([x], i) => i === 0 || x > kept[i - 1]![0]));
  }), { numRuns: 50 }));
});

describe('tracePlot', () => {
  it('draws every trace without a number that is none, and escapes labels', () => fc.assert(fc.property(anyTrace, (trace) => {
    const svg = tracePlot([{ label: '<b>&"', trace, profile: runProfile() }, { label: 'b', trace: runTrace({ samples: 50 }), deviating: true }]);
    assert.ok(!/NaN|Infinity|undefined|<b>/.test(svg));
    assert.match(svg, /^<svg xmlns/);
    assert.equal(svg.match(/<svg/g)!.length, svg.match(/<\/svg>/g)!.length);
  }), { numRuns: 30 }));

  it('draws a deviating replica dashed and names it', () => {
    const svg = panelPlot([{ label: 'Alice', trace: runTrace() }, { label: 'Mallory', trace: runTrace({ readBytes: 1e8 }), deviating: true }], 'memory-over-work');
    assert.match(svg, /stroke-dasharray/);
    assert.match(svg, />Mallory<\/text>/);
  });

  it('stays small for an hour', () => {
    const trace = runTrace({ samples: 180_000, memory: (work) => (Math.sin(work * 5000) + 1) / 2 });
    for (const panel of PANELS) assert.ok(panelPlot([{ label: 'a', trace, profile: runProfile() }], panel).length < 40_000, panel);
  });
});

const job = (overrides: Partial<ReportJob> = {}): ReportJob => ({
  id: '0xabc', title: 'Count words', state: 'Settled', cheat: 'one node idled',
  replicas: [
    { label: 'Alice', node: `0x${'1'.repeat(40)}`, verdict: 'agreed', paid: '1', stakeBefore: '5', stakeAfter: '5', scoreBefore: 2500, scoreAfter: 3000, cpuSeconds: 1.5, peakMemoryBytes: 1e6, distances: [0, 0.1, 20], trace: runTrace(), profile: runProfile(), reason: 'same work' },
    { label: 'Bob', verdict: 'agreed', distances: [0.1, 0, 20], trace: runTrace(), reason: 'same work' },
    { label: 'Mallory', verdict: 'deviated', distances: [20, 20, 0], trace: runTrace({ readBytes: 0 }), reason: 'reads nothing <script>alert(1)</script>' },
  ],
  client: { address: `0x${'2'.repeat(40)}`, scoreBefore: 2500, scoreAfter: 2600 },
  gas: { submit: 100_000, settle: 90_000 }, timingsMs: { 'submit to settled': 950 },
  ...overrides,
});

describe('headline', () => {
  it('says who agreed and why somebody did not', () => {
    assert.equal(headline(job()), 'Alice and Bob did the same work. Mallory deviated: reads nothing <script>alert(1)</script>.');
    assert.equal(headline(job({ replicas: job().replicas.slice(0, 2) })), 'Both replicas did the same work.');
    assert.equal(headline(job({ replicas: [] })), 'No replica ran.');
    assert.match(headline(job({ replicas: job().replicas.map((replica) => ({ ...replica, verdict: 'undecided' })) })), /nobody is accused/);
    assert.match(headline(job({ replicas: [{ ...job().replicas[0]!, verdict: 'absent' }] })), /Alice left nothing/);
  });
});

describe('renderReport', () => {
  it('is one page that loads nothing and runs nothing', () => {
    const html = renderReport({ title: 'A & B', jobs: [job(), job({ cheat: null })] });
    assert.ok(!/<script|<link|<img|url\(|@import|src=/.test(html));
    assert.deepEqual([...html.matchAll(/https?:\/\/[^"' <]+/g)].map(([url]) => url).filter((url) => !url.startsWith('http://www.w3.org/')), []);
    assert.ok(!/NaN|undefined/.test(html));
    assert.match(html, /A &amp; B/);
    assert.match(html, /190,000/);
    assert.match(html, /25\.0 % → <span class="up">30\.0 %/);
  });

  it('leaves out what is unknown', () => {
    const replicas = job().replicas.map(({ label, verdict, distances, trace, reason }) => ({ label, verdict, distances, ...(trace && { trace }), reason }));
    const html = renderReport({ jobs: [{ id: '', title: 'Two traces', replicas }] });
    assert.ok(!/>paid<|>reputation<|>Gas</.test(html));
  });
});
