import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { renderNodeBody, renderNodePage } from './render-node.ts';
import type { NodeView } from './view-node.ts';

const NOW = 1_800_000_000_000;
const hostile = fc.oneof(fc.constantFrom('<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '</title>', '</td></table>', '\u0000&lt;'), fc.string({ maxLength: 40 }));

const amount = fc.double({ min: 0, max: Number.MAX_SAFE_INTEGER, noNaN: true });
const trace = fc.array(fc.record({ t: amount, cpuNs: amount, residentBytes: amount }), { maxLength: 6 }).map((samples) => ({
  version: 1 as const, engine: 'container', intervalMs: 0, t: Float64Array.from(samples, ({ t }) => t).sort(),
  channels: { cpuNs: Float64Array.from(samples, ({ cpuNs }) => cpuNs).sort(), residentBytes: Float64Array.from(samples, ({ residentBytes }) => residentBytes) },
}));
const live = fc.record({
  jobId: hostile, title: hostile, stage: fc.constantFrom('waiting', 'fetching', 'running', 'publishing'), since: fc.nat({ max: NOW }),
  shards: fc.option(fc.record({ done: fc.nat(), of: fc.nat() }), { nil: undefined }), more: fc.nat({ max: 3 }),
  limits: fc.record({ cpus: fc.constantFrom(0.5, 1, 4), memoryBytes: fc.nat(), diskBytes: fc.nat(), timeoutMs: fc.nat(), processes: fc.nat(), logBytes: fc.nat() }),
  runs: fc.array(fc.record({
    shard: fc.option(fc.nat(), { nil: undefined }), startedAt: fc.option(fc.nat({ max: NOW }), { nil: undefined }), trace,
    last: fc.record({ cpuNs: amount, residentBytes: amount, processes: amount, readBytes: amount, writtenBytes: amount, outputBytes: amount }, { requiredKeys: [] }),
  }), { maxLength: 2 }),
} as const);

/** What strangers and files have a say in is anything at all. */
const view: fc.Arbitrary<NodeView> = fc.record({
  address: fc.constant('0x00000000000000000000000000000000000000aa'), engines: fc.array(fc.constantFrom('container', 'wasm')), network: fc.constant(['container']),
  price: fc.bigInt({ min: 0n, max: 10n ** 24n }), running: fc.nat(), waiting: fc.nat(), cpus: fc.constant(2), memoryBytes: fc.nat(), diskBytes: fc.nat(), peer: hostile,
  head: fc.option(fc.record({ number: fc.bigInt({ min: 0n }), at: fc.nat({ max: NOW }) }), { nil: undefined }),
  standing: fc.oneof(fc.record({ problem: hostile }), fc.record({ free: fc.bigInt({ min: 0n }), locked: fc.bigInt({ min: 0n }), score: fc.nat({ max: 10_000 }) })),
  earned: fc.bigInt({ min: 0n }), live: fc.array(live, { maxLength: 2 }), jobCount: fc.constant(300),
  jobs: fc.array(fc.record({
    jobId: hostile, title: hostile, engine: hostile, state: fc.constantFrom('Open', 'Settled'), part: fc.constantFrom('agreed', 'deviated', 'bid', 'running'), failure: hostile,
    exitCode: fc.nat({ max: 255 }), fetched: fc.nat(), paid: fc.bigInt({ min: 0n }), finishedAt: fc.nat({ max: NOW }),
  } as const), { maxLength: 4 }),
  held: fc.array(fc.record({ cid: hostile, why: fc.constantFrom('added', 'result'), path: hostile, bytes: fc.nat(), blocks: fc.nat(), since: fc.nat(), usedAt: fc.nat() } as const), { maxLength: 4 }),
  problems: fc.array(fc.record({ path: hostile, problem: hostile }), { maxLength: 3 }),
  diary: fc.array(fc.record({ at: fc.nat({ max: NOW }), level: fc.constantFrom('info', 'warn'), event: hostile, data: fc.dictionary(hostile, fc.oneof(hostile, fc.bigInt(), fc.integer())) } as const), { maxLength: 4 }),
});

describe('a node\'s page', () => {
  it('has no element but its own, whatever names, paths and errors say', () => fc.assert(fc.property(view, (one) => {
    const allowed = new Set([
      'header', 'div', 'h1', 'h2', 'h3', 'span', 'p', 'b', 'section', 'table', 'tr', 'th', 'td', 'progress', 'svg', 'style', 'text', 'line', 'path', 'title', 'circle',
    ]);
    const body = renderNodeBody(one, NOW);
    const count = (pattern: RegExp) => [...body.matchAll(pattern)].length;
    assert.equal(count(/<style/g), count(/<svg/g), 'a style but that of a curve');
    for (const [curve] of body.matchAll(/<svg.*?<\/svg>/gs)) assert.doesNotMatch(curve, /NaN|Infinity|undefined/);
    const elements = [...body.matchAll(/<\/?([^\s>/]*)/g)].map(([, name]) => name!);
    assert.deepEqual(elements.filter((name) => !allowed.has(name)), []);
    const attributes = [...body.matchAll(/<[a-z0-9]+((?:\s+[a-zA-Z0-9-]+="[^"]*")*)\/?>/g)].flatMap(([, given]) => [...given!.matchAll(/([a-zA-Z0-9-]+)="[^"]*"/g)].map(([, name]) => name!));
    assert.equal(count(/<[a-z0-9]+/g), count(/<[a-z0-9]+((?:\s+[a-zA-Z0-9-]+="[^"]*")*)\/?>/g), 'a tag that is not whole');
    assert.ok(attributes.every((name) => !name.startsWith('on')));
    assert.equal([...renderNodePage(one, NOW, 'nonce').matchAll(/<script/g)].length, 1);
  })));

  it('says why it does not know how it stands, and goes on', () => fc.assert(fc.property(view, (one) => {
    const body = renderNodeBody({ ...one, standing: { problem: 'the endpoint does not answer' } }, NOW);
    assert.match(body, /how this node stands: the endpoint does not answer/);
    assert.match(body, /<h2>Jobs<\/h2>/);
  }), { numRuns: 5 }));
});
