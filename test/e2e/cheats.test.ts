import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { JobRecord } from '../../src/client/index.ts';
import { makeSalesZip, pausesMs, salesJob } from '../../src/devnet/demo/sales-job.ts';
import { CHEATS } from '../../src/devnet/index.ts';
import type { JobSpecInput } from '../../src/protocol/index.ts';
import { reach, settledJob, useNetwork, type TestClient } from '../network.ts';
import { until } from '../until.ts';
import { LONG_WINDOWS } from '../windows.ts';

const ROWS = 20_000;
/** Factor on the pauses of the report's job. */
const PAUSE = 0.01;
const DISHONEST_SEAT = 1;

describe('one dishonest node of three', () => {
  // A rejected node that keeps quiet; disputes have tests of their own.
  const network = useNetwork({ nodes: 3, configure: (config) => ({ ...config, contests: false, noopEngine: true }) });
  let client: TestClient;
  let spec: JobSpecInput;
  /** How long the honest work takes, ms: what a cheat that fills time has to fill. */
  let durationMs = pausesMs(PAUSE);

  const submit = (): Promise<JobRecord> => client.client.submit(spec, { windows: LONG_WINDOWS });

  test('all honest: the job of the 2022 report', async () => {
    const net = network();
    client = await net.client();
    const zip = join(net.dir, 'sales.zip');
    const { csvBytes } = await makeSalesZip(zip, ROWS, 2022, new AbortController().signal);
    spec = salesJob(await net.addData(zip), csvBytes, PAUSE);
    const record = await submit();
    const state = await settledJob(client.client, record);
    assert.deepEqual(state.verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
    durationMs = Math.max(...[...client.client.exhibits(record).values()].map((exhibit) => ('evidence' in exhibit ? exhibit.evidence.trace.t.at(-1)! : 0)));
    await client.client.fetchResult(record, join(net.dir, 'honest'));
    const table = await readFile(join(net.dir, 'honest/outputs/sales.csv'), 'utf8');
    assert.equal(table.match(/,Booze,/g)!.length + table.match(/^(?!.*,Booze,)/gm)!.length, ROWS + 2);
    assert.ok(!table.includes('Office Supplies'));
  });

  for (const cheat of CHEATS) {
    test(`${cheat}: told apart, unpaid and rated down; the honest agree and are paid`, async () => {
      const net = network();
      for (const node of net.nodes) node.send({ type: 'cheat', seat: DISHONEST_SEAT, plan: { cheat, durationMs } });
      const record = await submit();
      const { roster } = await reach(client.client, record, 'Contestable');
      const before = await Promise.all(roster.map(({ node }) => net.party(node, 'node')));
      const clientBefore = await net.party(client.address, 'client');

      const rejected = record.findings!.map(({ agreed }) => !agreed);
      assert.deepEqual(rejected, [false, true, false], JSON.stringify(record.findings));
      assert.ok(record.findings![DISHONEST_SEAT]!.distances.every((distance) => distance === null || distance > 1));
      assert.notEqual(record.findings![DISHONEST_SEAT]!.reason, '');

      // Nobody contests, so the verdict stands once the time to do so is over.
      await net.travel(LONG_WINDOWS.dispute + 2);
      const state = await settledJob(client.client, record);
      assert.deepEqual(state.verdicts, ['agreed', 'deviated', 'agreed']);
      for (const [seat, { node, price }] of roster.entries()) {
        const now = await net.party(node, 'node');
        const honest = seat !== DISHONEST_SEAT;
        assert.equal(now.free + now.locked - before[seat]!.free - before[seat]!.locked, honest ? price : 0n, `pay of seat ${seat}`);
        assert.ok(honest ? now.score > before[seat]!.score : now.score < before[seat]!.score, `score of seat ${seat}: ${before[seat]!.score} to ${now.score}`);
      }
      assert.ok((await net.party(client.address, 'client')).score > clientBefore.score);
      // The result is an honest one.
      assert.notEqual(client.client.resultOf(record).cid, record.findings![DISHONEST_SEAT]!.resultCid);
      await until('every node has put the job away', () => net.log.filter(({ line }) => (
        line.event === 'job over' && (line.data as { jobId: string }).jobId === record.jobId)).length === 3);
    });
  }
});
