import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { JobSpecInput } from '../../src/protocol/index.ts';
import { reach, settledJob, useNetwork, type TestClient } from '../network.ts';
import { LONG_WINDOWS } from '../windows.ts';

const FILES = 12;
const LINES = 4_000;
const DISHONEST_SEAT = 1;
const SKIPPED = 7;

/** A table of its own in each file, some of them below a folder, with names that no shell would like. */
async function makeFolder(dir: string): Promise<string[]> {
  const names = Array.from({ length: FILES }, (_, i) => (i % 3 === 0 ? `sub folder/${i}.csv` : i % 3 === 1 ? `-${i} $x;.csv` : `${i}.csv`));
  await mkdir(join(dir, 'sub folder'), { recursive: true });
  for (const [i, name] of names.entries()) {
    await writeFile(join(dir, name), Array.from({ length: LINES }, (_, line) => `${i},${line},${(line * (i + 7)) % 1013}\n`).join(''));
  }
  return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

describe('a job of shards', () => {
  const network = useNetwork({ nodes: 3, configure: (config) => ({ ...config, contests: false, noopEngine: true }) });
  let client: TestClient;
  let names: string[];
  let spec: JobSpecInput;

  before(async () => {
    const net = network();
    client = await net.client();
    const folder = join(net.dir, 'tables');
    names = await makeFolder(folder);
    spec = {
      command: ['sh', '-c', 'cd /inputs/t; find . -type f; find . -type f -exec sort -t, -k3n {} \\; > /outputs/sorted; echo $GADUS_SHARD of $GADUS_SHARDS >&2'],
      inputs: [{ source: await net.addData(folder), target: '/inputs/t' }], shards: { by: 'file' },
    };
  });

  test('each file is a shard that sees nothing else; the result has a folder for each', async () => {
    const net = network();
    const counts: number[] = [];
    const record = await client.client.submit(spec, { windows: LONG_WINDOWS, onProgress: (progress) => { if (progress.stage === 'shards') counts.push(progress.count); } });
    assert.equal(record.request.shards, FILES);
    const state = await settledJob(client.client, record);
    assert.deepEqual(state.verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
    assert.deepEqual(counts, [FILES, FILES, FILES]);
    for (const finding of record.findings!) {
      assert.deepEqual({ ...finding.shards, heldAgainstResult: 0 }, { count: FILES, told: [], toldCount: 0, undecided: 0, failed: 0, opened: 8, heldAgainstResult: 0 });
      assert.equal(finding.shards!.heldAgainstResult, 8, 'what its windows say was compared with the results');
    }
    const out = join(net.dir, 'whole');
    await client.client.fetchResult(record, out);
    assert.deepEqual((await readdir(out)).sort(), names.map((_, i) => String(i).padStart(4, '0')));
    for (const [i, name] of names.entries()) {
      const shard = join(out, String(i).padStart(4, '0'));
      assert.equal(await readFile(join(shard, 'stdout'), 'utf8'), `./${name}\n`);
      assert.equal(await readFile(join(shard, 'stderr'), 'utf8'), `${i} of ${FILES}\n`);
      assert.equal(await readFile(join(shard, 'exitCode'), 'utf8'), '0\n');
      assert.equal((await readFile(join(shard, 'outputs/sorted'), 'utf8')).split('\n').length, LINES + 1);
    }
    await client.client.fetchResult(record, join(net.dir, 'one'), { shard: 3 });
    assert.deepEqual((await readdir(join(net.dir, 'one'))).sort(), ['exitCode', 'outputs', 'stderr', 'stdout']);
    assert.equal(await readFile(join(net.dir, 'one/stdout'), 'utf8'), `./${names[3]}\n`);
    await assert.rejects(client.client.fetchResult(record, join(net.dir, 'none'), { shard: FILES }), { code: 'SHARD_UNKNOWN' });
  });

  test('whoever skips one shard is told apart in it, unpaid and rated down; the honest are paid', async () => {
    const net = network();
    for (const node of net.nodes) node.send({ type: 'cheat', seat: DISHONEST_SEAT, plan: { cheat: 'idle', durationMs: 150, shard: SKIPPED } });
    const record = await client.client.submit(spec, { windows: LONG_WINDOWS });
    const { roster, ...job } = await reach(client.client, record, 'Contestable');
    for (const node of net.nodes) node.send({ type: 'honest' });
    assert.equal(job.shard, SKIPPED, 'the verdict names it');
    const findings = record.findings!;
    assert.deepEqual(findings.map(({ agreed }) => agreed), [true, false, true], JSON.stringify(findings));
    assert.deepEqual(findings.map(({ shards }) => shards!.toldCount), [0, 1, 0]);
    assert.equal(findings[DISHONEST_SEAT]!.shards!.told[0]!.shard, SKIPPED);
    assert.match(findings[DISHONEST_SEAT]!.reason, new RegExp(`^shard ${SKIPPED}: .*(bytes|CPU|output|read)`));
    const before = await Promise.all(roster.map(({ node }) => net.party(node, 'node')));
    await net.travel(LONG_WINDOWS.dispute + 2);
    const state = await settledJob(client.client, record);
    assert.deepEqual(state.verdicts, ['agreed', 'deviated', 'agreed']);
    for (const [seat, { node, price }] of roster.entries()) {
      const now = await net.party(node, 'node');
      const honest = seat !== DISHONEST_SEAT;
      assert.equal(now.free + now.locked - before[seat]!.free - before[seat]!.locked, honest ? price : 0n, `pay of seat ${seat}`);
      assert.ok(honest ? now.score > before[seat]!.score : now.score < before[seat]!.score);
    }
  });

  test('a sweep: what differs is listed; one that fails gives the job its exit code, and is found', async () => {
    const net = network();
    const record = await client.client.submit({
      command: ['sh', '-c', 'echo $GREETING $1; exit $CODE', 'sh'], env: { GREETING: 'hello', CODE: '0' },
      shards: { by: 'list', list: [{ args: ['a'] }, { env: { GREETING: 'bye' }, args: ['b'] }, { env: { CODE: '3' }, args: ['c'] }] },
    }, { windows: LONG_WINDOWS });
    const state = await settledJob(client.client, record);
    assert.deepEqual(state.verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
    assert.equal(client.client.resultOf(record).exitCode, 3);
    assert.deepEqual(record.findings!.map(({ shards }) => shards!.failed), [1, 1, 1]);
    const out = join(net.dir, 'sweep');
    await client.client.fetchResult(record, out);
    const logs = await Promise.all(['0000', '0001', '0002'].map((shard) => readFile(join(out, shard, 'stdout'), 'utf8')));
    assert.deepEqual(logs, ['hello a\n', 'bye b\n', 'hello c\n']);
  });

  test('a hundred shards of one job, by policy exact and with one replica', async () => {
    for (const verification of [{ policy: 'exact', replicas: 3 }, { policy: 'trace', replicas: 1, audit: 0 }] as const) {
      const record = await client.client.submit({ engine: 'noop', command: ['true'], shards: { by: 'count', count: 100 }, verification }, { windows: LONG_WINDOWS });
      const state = await settledJob(client.client, record);
      assert.ok(state.verdicts.every((verdict) => verdict === 'agreed'), JSON.stringify(record.findings));
      assert.equal(Object.keys(record.gas).join(), 'submit,assign,settle', 'three messages, as for one shard');
    }
  });

  test('what cannot be split is said before anything is submitted', async () => {
    const before = client.client.list().length;
    const { cid } = await client.storage.addBytes(new TextEncoder().encode('no folder'));
    const bad: [JobSpecInput, string][] = [
      [{ ...spec, inputs: [{ source: cid.toString(), target: '/inputs/t' }] }, 'SHARDS_INVALID'],
      [{ ...spec, inputs: [{ source: (await client.storage.addTree([])).cid.toString(), target: '/inputs/t' }] }, 'SHARDS_INVALID'],
      [{ ...spec, resources: { timeoutMs: '5d' } }, 'SHARDS_TOO_LONG'],
      [{ ...spec, inputs: [] }, 'SPEC_INVALID'],
    ];
    for (const [one, code] of bad) await assert.rejects(client.client.submit(one, { windows: LONG_WINDOWS }), { code });
    assert.equal(client.client.list().length, before);
  });
});
