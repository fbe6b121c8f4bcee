import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { callApi } from '../../src/api/index.ts';
import type { JobRecord } from '../../src/client/index.ts';
import { request, statusProtocol } from '../../src/network/index.ts';
import { weightOf } from '../../src/protocol/rules/draw.ts';
import type { JobSpecInput } from '../../src/protocol/index.ts';
import { COIN, settledJob, useNetwork } from '../network.ts';

const BYTES = 3_000_000;
/** Jobs given until one goes to the holder, which happens with a third of them even when all hold the data by then: not in 60 of them once in ten thousand million runs. */
const MOST_JOBS = 60;

/** Bytes from a seed, the same in every run. */
function seeded(length: number): Buffer {
  const parts = Array.from({ length: Math.ceil(length / 32) }, (_, i) => createHash('sha256').update(`locality ${i}`).digest());
  return Buffer.concat(parts).subarray(0, length);
}

const spec = (cid: string): JobSpecInput => ({ command: ['sh', '-c', 'sha256sum < /inputs/data > /outputs/sum'], inputs: [{ source: cid, target: '/inputs/data' }], verification: { replicas: 1, audit: 0 } });

/** Bytes of the input that came to the seat's node over the network, and that it had. */
function bytesOf(record: JobRecord, cid: string): { network: number; local: number } {
  const receipt = record.receipts![0]!.find((one) => one.cid === cid)!;
  const sum = (local: boolean) => receipt.sources.reduce((total, source) => total + (source.local === local ? source.bytes : 0), 0);
  return { network: sum(false), local: sum(true) };
}

describe('data on one of five nodes that take only jobs on what they hold', () => {
  const network = useNetwork({ nodes: 5, configure: (config) => ({ ...config, localDataOnly: true }) });

  const HOLDER = 3;

  test('the job goes there, and not a byte of the data crosses the network', async () => {
    const net = network();
    const { client, host } = await net.client();
    await writeFile(join(net.dir, 'data'), seeded(BYTES));
    const { cid } = await callApi(net.nodes[HOLDER]!.api, 'POST', '/v1/data', { path: join(net.dir, 'data'), noCopy: true }) as { cid: string };
    const record = await client.submit(spec(cid));
    const { roster, verdicts } = await settledJob(client, record);
    assert.deepEqual(verdicts, ['agreed']);
    assert.deepEqual(roster.map(({ node }) => net.indexOf(node)), [HOLDER]);
    assert.deepEqual(record.bids.map(({ bid }) => [net.indexOf(bid.node), bid.locality]), [[HOLDER, 10_000]]);
    const { network: moved, local } = bytesOf(record, cid);
    assert.equal(moved, 0);
    assert.ok(local >= BYTES);
    // Nor did it go anywhere else meanwhile.
    for (const [i, node] of net.nodes.entries()) {
      const { held } = await request(host, node.addrs, statusProtocol, { cids: [cid] });
      assert.equal(held[0]!.heldBytes > 0, i === HOLDER, `node ${i} holds ${held[0]!.heldBytes}`);
    }
  });
});

describe('data on one of three nodes that take any job', () => {
  const network = useNetwork({ nodes: 3, configure: (config) => ({ ...config, price: String(COIN) }) });

  const HOLDER = 1;

  test('its bid weighs four times another\'s; who is drawn without the data gets it once, who has it moves nothing', async () => {
    const net = network();
    const { client } = await net.client();
    await writeFile(join(net.dir, 'data'), seeded(BYTES));
    const cid = await net.addData(join(net.dir, 'data'), [HOLDER]);
    const holders = new Set([HOLDER]);
    for (let jobs = 1, drawn = -1; drawn !== HOLDER; jobs++) {
      assert.ok(jobs <= MOST_JOBS, `the holder was not drawn in ${MOST_JOBS} jobs`);
      const record = await client.submit(spec(cid));
      const { roster } = await settledJob(client, record);
      for (const { bid } of record.bids) assert.equal(bid.locality, holders.has(net.indexOf(bid.node)) ? 10_000 : 0);
      drawn = net.indexOf(roster[0]!.node);
      const { network: moved, local } = bytesOf(record, cid);
      assert.deepEqual([moved > 0, local > 0], holders.has(drawn) ? [false, true] : [true, false]);
      holders.add(drawn);
    }
    const weight = (locality: number) => weightOf({ node: net.nodes[0]!.address, stake: COIN, score: 5_000, price: COIN, locality }, COIN);
    assert.equal(weight(10_000) - 1n, 4n * (weight(0) - 1n));
  });
});
