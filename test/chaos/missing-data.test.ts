import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { base32upper } from 'multiformats/bases/base32';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { create as createDigest } from 'multiformats/hashes/digest';
import { parseCid } from '../../src/protocol/index.ts';
import { finalJob, reach, useNetwork, type TestNetwork } from '../network.ts';
import { until } from '../until.ts';
import { LONG_WINDOWS } from '../windows.ts';

describe('an input that cannot be had', () => {
  const network = useNetwork({ nodes: 3 });
  const job = (cid: string) => ({
    command: ['cat', '/inputs/lost'], inputs: [{ source: cid, target: '/inputs/lost' }], verification: { replicas: 2 }, resources: { timeoutMs: '10s' },
  });
  const said = (net: TestNetwork, event: string, jobId: string) => net.log.filter(({ line }) => line.event === event && (line.data as { jobId?: string }).jobId === jobId);

  test('nobody has it: no node bids, the job is cancelled in time, the client gets everything back', async () => {
    const net = network();
    const { client, address } = await net.client();
    const lost = CID.createV1(raw.code, createDigest(0x12, createHash('sha256').update('lost').digest())).toString();
    const progress: string[] = [];
    const record = await client.submit(job(lost), { windows: LONG_WINDOWS, onProgress: ({ stage }) => progress.push(stage) });
    await until('every node has said why it does not bid', () => said(net, 'no bid', record.jobId).length === 3);
    assert.match(JSON.stringify(said(net, 'no bid', record.jobId)[0]!.line.data), /no source knows/);
    await until('the client is told', () => progress.includes('few-bids'));

    await net.travel(LONG_WINDOWS.assign + 5);
    assert.equal((await finalJob(client, record)).state, 'Cancelled');
    const purse = await net.party(address, 'client');
    assert.equal(purse.locked, 0n);
    assert.ok(purse.free > 0n, 'the escrow is free again');
    assert.throws(() => client.resultOf(record), { code: 'NO_RESULT' });
  });

  test('its root is there but the rest is withheld: the job expires, the escrow comes back, the nodes that bid are rated absent', async () => {
    const net = network();
    const { client, address, storage, dir } = await net.client();
    const path = join(net.dir, 'withheld');
    await writeFile(path, randomBytes(3 * 1024 * 1024));
    const { cid } = await storage.add(path);
    await removeBlocksExcept(join(dir, 'storage', 'blocks'), cid.toString());

    const record = await client.submit(job(cid.toString()), { windows: LONG_WINDOWS });
    const assigned = await reach(client, record, 'Assigned');
    const before = await Promise.all(assigned.roster.map(({ node }) => net.party(node, 'node')));
    const purse = await net.party(address, 'client');
    await until('both nodes have given it up', () => said(net, 'replica failed', record.jobId).length === 2);

    await net.travel(record.request.commitWindow + 5);
    assert.equal((await finalJob(client, record)).state, 'Expired');
    const after = await Promise.all(assigned.roster.map(({ node }) => net.party(node, 'node')));
    let slashed = 0n;
    for (const [seat, now] of after.entries()) {
      assert.ok(now.bad > before[seat]!.bad, `seat ${seat} is rated down`);
      assert.equal(now.locked, 0n);
      slashed += before[seat]!.free + before[seat]!.locked - now.free;
    }
    const purseAfter = await net.party(address, 'client');
    assert.equal(purseAfter.locked, 0n);
    assert.equal(purseAfter.free, purse.free + purse.locked + slashed, 'the escrow comes back whole, with what the absent lost');
    assert.ok(slashed > 0n);
    await until('the nodes have put the job away', () => said(net, 'job over', record.jobId).length >= 2);
    assert.equal((await storage.locality(parseCid(cid.toString()))).share < 1, true);
  });
});

/** Deletes every block file of a store but the root's: it names them by multihash in upper-case base32. */
async function removeBlocksExcept(dir: string, root: string): Promise<void> {
  const kept = `${base32upper.encode(parseCid(root).multihash.bytes)}.data`;
  const files = (await readdir(dir, { withFileTypes: true, recursive: true })).filter((entry) => entry.isFile());
  assert.ok(files.some(({ name }) => name === kept));
  for (const { name, parentPath } of files) if (name !== kept) await rm(join(parentPath, name));
}
