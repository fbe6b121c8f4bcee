import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { writeRuns } from './corpus/run-store.ts';
import { labReportSchema } from './evaluate/report-schema.ts';
import { labCorpus } from './test-support/lab-runs.ts';

const lab = (...args: string[]) => new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
  execFile(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
    resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
  });
});

describe('npm run lab', () => {
  let directory: string;
  let runs: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gadus-lab-'));
    runs = join(directory, 'runs');
    await writeRuns(runs, 'made-up', labCorpus(5));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it('helps, and lists what there is', async () => {
    const help = await lab('--help');
    assert.equal(help.code, 0);
    assert.match(help.stdout, /record[\s\S]*report[\s\S]*Examples:/);
    assert.equal((await lab('no-such-command')).code, 2);
    assert.match((await lab('list')).stdout, /sort-csv[\s\S]*idle[\s\S]*2022 prototype/);
  });

  it('writes both reports where it is told to', async () => {
    const [out, html] = [join(directory, 'out', 'report.json'), join(directory, 'report.html')];
    const { code, stdout, stderr } = await lab('report', '--runs', runs, '--out', out, '--html', html);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Detection at 1 % false alarms/);
    labReportSchema.parse(JSON.parse(await readFile(out, 'utf8')));
    assert.match(await readFile(html, 'utf8'), /^<!doctype html>/);
  });

  it('prints JSON, and tables only when the product\'s fingerprints are left out', async () => {
    const html = join(directory, 'narrow.html');
    const json = await lab('report', '--runs', runs, '--json', '--cheat', 'idle', '--program', 'sorter', '--html', html, '--out', join(directory, 'narrow.json'));
    assert.deepEqual(Object.keys(labReportSchema.parse(JSON.parse(json.stdout)).cheats), ['idle']);
    await rm(html);
    const tables = await lab('report', '--runs', runs, '--only-fingerprint', 'full', '--cheat', 'idle', '--html', html);
    assert.match(tables.stdout, /idle +100\.0/);
    assert.ok(!existsSync(html));
  });

  it('says what is wrong, and what to do', async () => {
    for (const [args, message] of [
      [['report', '--runs', join(directory, 'nowhere')], /there are no runs/],
      [['report', '--runs', runs, '--program', 'nope'], /too few runs/],
      [['report', '--runs', runs, '--cheat', 'nope'], /no such cheat: nope/],
      [['report', '--runs', runs, '--nope'], /nope/],
    ] as const) {
      const { code, stderr } = await lab(...args);
      assert.equal(code, 1);
      assert.match(stderr, message);
    }
  });

  it('lists false alarms', async () => {
    const { code, stdout } = await lab('alarms', '--runs', runs);
    assert.equal(code, 0);
    assert.match(stdout, /honest pairs told apart\n$/);
  });
});
