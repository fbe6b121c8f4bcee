import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ATTACKS } from '../attackers/attacks.ts';
import { randomOf } from '../corpus/inputs/random.ts';
import { labCorpus, labRun } from '../test-support/lab-runs.ts';
import { alarms } from './alarms.ts';
import { jobsOf } from './corpus.ts';
import { detect, detectBy } from './detection.ts';
import { documentTables } from './document-tables.ts';
import { evaluate } from './evaluate.ts';
import { familyOf } from './family-of.ts';
import { thresholdsFor } from './folds.ts';
import { forgeAll } from './forge-all.ts';
import { honestPairs } from './honest-pairs.ts';
import { renderLabReport } from './html/render-lab-report.ts';
import { knowledgeOf } from './knowledge-of.ts';
import { measure } from './measure.ts';
import { reportOf } from './report-of.ts';
import { labReportSchema } from './report-schema.ts';
import { textTables } from './text-tables.ts';
import { definePlugin } from './fingerprint-plugin.ts';

const runs = labCorpus();
const jobs = jobsOf(runs);
const evaluation = await evaluate(runs);
const report = reportOf(evaluation, new Date('2026-01-02T03:04:05Z'));

describe('jobsOf', () => {
  it('takes the input that was run most for the job\'s, and sorts the rest by what a cheat would call it', () => {
    assert.deepEqual(jobs.map(({ name, honest, own }) => [name, honest.length, own.otherInput.length, own.halfInput.length, own.mostInput.length, own.nearlyAllInput.length, own.halfWork.length, own.mostWork.length]),
      ['sorter', 'packer', 'counter'].map((name) => [name, 8, 2, 2, 2, 2, 2, 2]));
    assert.ok(jobs.every(({ honest }) => honest.every(({ input, work }) => input.seed === 1 && input.fraction === 1 && work === 1)));
  });
  it('leaves out what was hardly run', () => assert.deepEqual(jobsOf([labRun({ n: 0 }), labRun({ n: 1 })]), []));
  it('knows that a program at another size is the same program', () => {
    assert.deepEqual(['sort-csv', 'sort-csv-large', 'sort-parallel', 'unheard-of'].map(familyOf), ['sort-csv', 'sort-csv', 'sort-parallel', 'unheard-of']);
  });
});

describe('knowledgeOf', () => {
  it('deals what the attack names, and never whom it will be judged beside', () => {
    for (const attack of ATTACKS) {
      const { knowledge, others, source } = knowledgeOf(attack, jobs[0]!, jobs, 0, randomOf(1));
      assert.deepEqual(Object.keys(knowledge).sort(), [...attack.knows].sort(), attack.name);
      const seen = [knowledge.honest, knowledge.peer, ...(knowledge.earlier ?? [])].filter((run) => run !== undefined);
      assert.ok(seen.every((run) => !others.includes(run)), attack.name);
      assert.equal(source !== undefined, attack.copies !== undefined);
      if (knowledge.result !== undefined) assert.deepEqual(Object.keys(knowledge.result), ['profile', 'resultDigest']);
      assert.ok(others.length >= 2);
    }
  });
});

describe('forgeAll', () => {
  it('gives the same submissions each time, each with honest runs to be judged beside', () => {
    const again = forgeAll(ATTACKS, jobs.slice(0, 1), jobs);
    assert.deepEqual(again, forgeAll(ATTACKS, jobs.slice(0, 1), jobs));
    assert.ok(again.every(({ targets, source }) => targets.length > 0 && targets.every((run) => run !== source)));
    assert.equal(new Set(again.map(({ attack }) => attack)).size, ATTACKS.length);
  });
});

describe('thresholds', () => {
  const families = ['a', 'a', 'b', 'b', 'c'];
  it('never look at the program they are for', () => {
    const limits = (own: number) => thresholdsFor('a', families, Float64Array.of(own, own, 3, 1, 2));
    assert.deepEqual(limits(0), limits(1000));
    assert.deepEqual(limits(0), { at1pct: 3, at01pct: 3 });
    assert.deepEqual(thresholdsFor('b', families, Float64Array.of(5, 4, 900, 900, 2)), { at1pct: 5, at01pct: 5 });
  });
  it('hold for every program that is left out in turn', () => {
    const pairs = honestPairs(jobs);
    const forgeries = forgeAll(ATTACKS.slice(0, 1), jobs);
    const asked: string[] = [];
    const constant = measure(definePlugin({ name: 'constant', about: '', kind: 'baseline', of: () => 0, distance: () => 1 }), pairs, forgeries);
    const { honest, cheats } = detectBy(constant.plugin, (family) => { asked.push(family); return constant; }, pairs, forgeries, ATTACKS.slice(0, 1));
    assert.deepEqual(asked, ['sorter', 'packer', 'counter']);
    assert.equal(honest.heldOut.at1pct.rate, 0);
    assert.equal(cheats.get(ATTACKS[0]!.name)!.at1pct.rate, 0);
  });
  it('catch everything with a perfect distance and nothing with a blind one', () => {
    const pairs = honestPairs(jobs);
    const forgeries = forgeAll(ATTACKS, jobs);
    const forged = new Set(forgeries.map(({ submission }) => submission));
    const perfect = definePlugin({ name: 'perfect', about: '', kind: 'baseline', deployed: 0.5, of: (submission) => forged.has(submission), distance: (a, b) => Number(a !== b) });
    const { cheats, honest } = detect(measure(perfect, pairs, forgeries), pairs, forgeries, ATTACKS);
    assert.equal(cheats.size, ATTACKS.length);
    for (const { at1pct, at01pct, deployed, roc } of cheats.values()) assert.deepEqual([at1pct.rate, at01pct.rate, deployed!.rate, roc.auc, roc.eer], [1, 1, 1, 1, 0]);
    assert.equal(honest.deployed!.rate, 0);
    assert.ok(honest.deployed!.upper95 > 0);
  });
});

describe('evaluate', () => {
  it('tries every cheat by every fingerprint on every program', () => {
    assert.equal(evaluation.pairs.length, 3 * 28);
    for (const [name, { cheats }] of evaluation.results) assert.equal(cheats.size, ATTACKS.length, name);
    assert.deepEqual(evaluation.programs.map(({ name, pairs }) => [name, pairs]), [['counter', 28], ['packer', 28], ['sorter', 28]]);
    assert.deepEqual(evaluation.conditions.map(({ name, pairs }) => [name, pairs]), [['CPU at 50 %', 3 * 13], ['undisturbed', 3 * 15]]);
  });
  it('finds what anybody would and not what nobody can', () => {
    const { cheats } = report;
    for (const name of ['idle', 'another program', 'half of the input']) assert.equal(cheats[name]!.full.deployed, 1, name);
    assert.ok(cheats['replay']!.full.deployed! < 0.2);
    assert.equal(cheats['idle']!.baselines['output hash']!.deployed, 0.3333, 'the right result passes but where results never repeat');
    assert.equal(report.copies.cheats['replay']!.auc, 1);
  });
  it('holds single runs against earlier ones, and names what the product takes from it', () => {
    const { byCount, priors, limits } = report.precedents;
    assert.deepEqual(Object.keys(byCount), ['5'], 'eight honest runs of a job leave seven');
    assert.equal(byCount['5']!.comparisons, 48);
    assert.equal(report.cheats['half of the work']!.precedents['5']!.at1pct, 1);
    assert.deepEqual(Object.keys(priors), Object.keys(limits['5']!));
  });
  it('decides in threes', () => {
    const { honest, cheats } = report.majority;
    assert.equal(honest.client.decisions, 36);
    assert.ok(cheats['idle']!.one.client.right > 0.9);
    assert.equal(cheats['idle']!.two.client.right, 0);
    for (const judged of [honest, ...Object.values(cheats).flatMap(({ one, two }) => [one, two])].flatMap(({ client, contract }) => [client, contract])) {
      if (judged.decisions > 0) assert.ok(Math.abs(judged.right + judged.cheatPaid + judged.honestRejected + judged.undecided - 1) < 1e-3);
    }
  });
  it('can be narrowed down, thresholds staying those of the whole corpus', async () => {
    const part = await evaluate(runs, { programs: ['sorter'], attacks: ATTACKS.filter(({ name }) => name === 'idle') });
    assert.deepEqual([part.jobs.length, part.pairs.length, part.decisions.cheats.size], [1, 84, 1]);
    assert.ok(part.forgeries.every(({ job, attack }) => job.name === 'sorter' && attack === 'idle'));
  });
});

describe('the report', () => {
  it('keeps its schema and says the same each time', async () => {
    labReportSchema.parse(JSON.parse(JSON.stringify(report)));
    assert.deepEqual(reportOf(await evaluate(runs), new Date('2026-01-02T03:04:05Z')), report);
    assert.equal(report.date, '2026-01-02');
  });
  it('refuses an evaluation without the product\'s fingerprints', async () => {
    const none = await evaluate(runs, { plugins: [] });
    assert.throws(() => reportOf(none, new Date()));
  });
  it('is one page that loads nothing and runs nothing', () => {
    const html = renderLabReport(evaluation, report);
    assert.ok(!/<script|<link|<img|url\(|@import|src=/.test(html));
    assert.ok(!/NaN|undefined|Infinity/.test(html), /.{60}(NaN|undefined|Infinity).{20}/.exec(html)?.[0]);
    for (const { name } of ATTACKS) assert.ok(html.includes(name), name);
  });
  it('is there for a terminal, also in part', async () => {
    assert.match(textTables(evaluation), /half of the input +100\.0/);
    assert.ok(!/NaN|undefined/.test(textTables(await evaluate(runs, { plugins: [] }))));
  });
  it('gives the tables of the documents', () => {
    const tables = documentTables(report);
    assert.match(tables, /\| half of the work \| 100\.0 \|/);
    assert.ok(!/NaN|undefined|Infinity/.test(tables));
    for (const block of tables.split('\n\n').filter((text) => text.startsWith('|'))) assert.equal(new Set(block.trim().split('\n').map((line) => line.split('|').length)).size, 1, block);
  });
  it('lists honest pairs told apart', () => {
    assert.ok(alarms([labRun({ n: 0 }), labRun({ n: 1 }), { ...labRun({ n: 2 }), trace: labRun({ program: 'packer' }).trace }])[0]!.startsWith('sorter'));
  });
  it('as committed is of this version', { skip: !existsSync('lab/report.json') }, () => {
    labReportSchema.parse(JSON.parse(readFileSync('lab/report.json', 'utf8')));
  });
});
