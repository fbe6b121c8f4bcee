import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Address } from 'viem';
import { coinBalance } from '../../src/chain/index.ts';
import type { JobRecord } from '../../src/client/index.ts';
import { callApi } from '../../src/api/index.ts';
import { request, statusProtocol } from '../../src/network/index.ts';
import type { JobSpecInput } from '../../src/protocol/index.ts';
import { reach, settledJob, useNetwork } from '../network.ts';

/** Gas of the four messages of a first job: the contract's snapshots of a later one, and the slots of a new client and three new nodes. */
const MAX_HAPPY_GAS = 480_000;

describe('jobs of honest nodes', () => {
  const network = useNetwork({ shared: true, nodes: 4 });

  /** Coin of the account and of its purse. */
  const wealth = async (address: Address): Promise<bigint> => {
    const { free, locked } = await network().party(address, 'client');
    return free + locked + await coinBalance(network().chain(), address);
  };

  test('three replicas of sed on an input that every node holds', async () => {
    const net = network();
    const { client, address } = await net.client();
    const text = Array.from({ length: 20_000 }, (_, i) => `${i},Office Supplies,${i * 7}\n`).join('');
    await writeFile(join(net.dir, 'table.csv'), text);
    const cid = await net.addData(join(net.dir, 'table.csv'));
    const purseBefore = await wealth(address);
    const before = await Promise.all(net.nodes.map((node) => net.party(node.address, 'node')));
    const clientBefore = await net.party(address, 'client');

    const stages: string[] = [];
    const record = await client.submit({
      name: 'booze',
      command: ['sh', '-c', "sed 's/Office Supplies/Booze/' /inputs/table.csv > /outputs/table.csv; wc -l < /outputs/table.csv; echo done >&2"],
      inputs: [{ source: cid, target: '/inputs/table.csv' }],
    }, { onProgress: ({ stage }) => stages.push(stage) });
    const { roster, verdicts } = await settledJob(client, record);

    assert.deepEqual(verdicts, ['agreed', 'agreed', 'agreed']);
    // Bids and commitments may be here before the receipt of the message that they answer, and a slow machine's bids are remarked on.
    const own = ['submitted', 'assigned', 'committed', 'verdict', 'final'];
    assert.deepEqual(stages.filter((stage) => own.includes(stage)), own);
    assert.deepEqual([...new Set(stages)].filter((stage) => !own.includes(stage) && stage !== 'few-bids').sort(), ['bid', 'commitment', 'evidence']);
    assert.ok(record.bids.every(({ bid }) => bid.locality === 10_000), 'every bidder holds the input');

    // Exactly what was asked is paid, by the client to the three, and to nobody else.
    let paid = 0n;
    for (const [i, node] of net.nodes.entries()) {
      const now = await net.party(node.address, 'node');
      const seat = roster.find((place) => place.node === node.address);
      assert.equal(now.free - before[i]!.free, seat === undefined ? 0n : BigInt(String(net.configs[i]!.price)), `earnings of node ${i}`);
      if (seat === undefined) assert.equal(now.score, before[i]!.score);
      else assert.ok(now.score > before[i]!.score, `score of node ${i} rises from ${before[i]!.score} to ${now.score}`);
      paid += seat?.price ?? 0n;
    }
    assert.equal(purseBefore - await wealth(address), paid);
    assert.ok((await net.party(address, 'client')).score > clientBefore.score);

    // The same bytes everywhere, and the client gets them.
    const findings = record.findings!;
    assert.equal(new Set(findings.map(({ resultCid }) => resultCid)).size, 1);
    assert.ok(findings.every(({ distances }) => distances.every((distance) => distance === null || distance <= 1)));
    const folder = join(net.dir, 'result');
    const receipt = await client.fetchResult(record, folder);
    assert.deepEqual((await readdir(folder)).sort(), ['exitCode', 'outputs', 'stderr', 'stdout']);
    assert.equal(await readFile(join(folder, 'outputs/table.csv'), 'utf8'), text.replaceAll('Office Supplies', 'Booze'));
    assert.equal(await readFile(join(folder, 'stdout'), 'utf8'), '20000\n');
    assert.equal(await readFile(join(folder, 'stderr'), 'utf8'), 'done\n');
    assert.equal(await readFile(join(folder, 'exitCode'), 'utf8'), '0\n');
    assert.equal(receipt.cid, client.resultOf(record).cid);
    assert.equal(receipt.sources.reduce((sum, { bytes }) => sum + bytes, 0), receipt.bytes, 'the receipt accounts for every byte');

    assert.deepEqual(Object.keys(record.gas).sort(), ['assign', 'settle', 'submit']);
    const gas = Object.values(record.gas).reduce((sum, used) => sum + used, 0);
    assert.ok(gas < MAX_HAPPY_GAS, `${gas} gas`);
  });

  test('one, two and three replicas, every policy, results that differ: all at once', async () => {
    const net = network();
    const { client } = await net.client();
    const command = ['sh', '-c', 'seq 1 20000 > list; sed s/1/one/ list > /outputs/list; seq 1 2000'];
    const random = ['sh', '-c', 'seq 1 20000 > list; sed s/1/one/ list > edited; printf "%016d\\n" $(od -An -N4 -tu4 /dev/urandom) > /outputs/stamp'];
    const specs: Record<string, JobSpecInput> = {
      one: { command, verification: { replicas: 1, audit: 0 } },
      two: { command, verification: { replicas: 2 } },
      exact: { command, verification: { replicas: 3, policy: 'exact' } },
      none: { command: random, verification: { replicas: 2, policy: 'none' } },
      random: { command: random, verification: { replicas: 3, policy: 'trace' } },
    };
    const records: Record<string, JobRecord> = {};
    for (const [name, spec] of Object.entries(specs)) records[name] = await client.submit({ ...spec, name });
    for (const [name, record] of Object.entries(records)) {
      const { verdicts } = await settledJob(client, record);
      assert.deepEqual(verdicts, verdicts.map(() => 'agreed'), `${name}: ${JSON.stringify(record.findings?.map(({ reason, distances }) => ({ reason, distances })))}`);
      assert.equal(verdicts.length, specs[name]!.verification!.replicas);
    }
    const results = (name: string) => new Set(records[name]!.findings!.map(({ resultCid }) => resultCid)).size;
    assert.deepEqual([results('two'), results('exact'), results('none'), results('random')], [1, 1, 2, 3]);
  });

  test('input on one node only: its bid says so, the others fetch it from it', async () => {
    const net = network();
    const { client, host } = await net.client();
    const bytes = Buffer.alloc(700_000, 'locality ');
    await writeFile(join(net.dir, 'local.bin'), bytes);
    const holder = 2;
    const cid = await net.addData(join(net.dir, 'local.bin'), [holder]);

    const held = () => Promise.all(net.nodes.map(async ({ addrs }) => (await request(host, addrs, statusProtocol, { cids: [cid] })).held[0]!));
    const before = await held();
    assert.deepEqual(before.map(({ heldBytes }) => heldBytes > 0), [false, false, true, false]);
    assert.equal(before[holder]!.heldBytes, before[holder]!.totalBytes);

    const record = await client.submit({
      command: ['sha256sum', '/inputs/local.bin'], inputs: [{ source: cid, target: '/inputs/local.bin' }], verification: { replicas: 4, policy: 'exact' },
    });
    const { verdicts } = await settledJob(client, record);
    assert.deepEqual(verdicts, ['agreed', 'agreed', 'agreed', 'agreed'], JSON.stringify(record.findings?.map(({ reason }) => reason)));
    assert.deepEqual(
      Object.fromEntries(record.bids.map(({ bid }) => [net.indexOf(bid.node), bid.locality])),
      { 0: 0, 1: 0, 2: 10_000, 3: 0 },
    );
    const after = await held();
    assert.ok(after.every(({ heldBytes, totalBytes }) => heldBytes === totalBytes && totalBytes >= bytes.length), JSON.stringify(after));
    // Each replica's receipts say whence its input came, in the client's record.
    for (const [seat, { node }] of record.findings!.entries()) {
      const receipt = record.receipts![seat]!.find((one) => one.cid === cid)!;
      const served = receipt.sources.filter(({ blocks }) => blocks > 0).map(({ local }) => local);
      assert.deepEqual(served, [net.indexOf(node) === holder], `seat ${seat}: ${JSON.stringify(receipt)}`);
    }
  });

  test('an input referenced where it lies: jobs read it there; when it changes, the node has it no more', async () => {
    const net = network();
    const { client, host } = await net.client();
    const path = join(net.dir, 'in-place.bin');
    await writeFile(path, Buffer.alloc(3_000_000, 'in place '));
    const { cid } = await callApi(net.nodes[0]!.api, 'POST', '/v1/data', { path, noCopy: true }) as { cid: string };
    const spec = { command: ['sha256sum', '/inputs/data'], inputs: [{ source: cid, target: '/inputs/data' }], verification: { replicas: 2, policy: 'exact' as const } };
    const record = await client.submit(spec);
    const { verdicts } = await settledJob(client, record);
    assert.deepEqual(verdicts, ['agreed', 'agreed']);
    for (const [seat, { node }] of record.findings!.entries()) {
      const receipt = record.receipts![seat]!.find((one) => one.cid === cid)!;
      if (net.indexOf(node) !== 0) continue;
      assert.deepEqual(receipt.sources.map(({ name, bytes }) => [name, bytes === receipt.bytes]), [['files', true]]);
    }
    await writeFile(path, 'changed');
    const { held: [held] } = await request(host, net.nodes[0]!.addrs, statusProtocol, { cids: [cid] });
    assert.ok(held!.heldBytes < 1000 && held!.totalBytes > 3_000_000, JSON.stringify(held));
  });

  test('a node\'s page is for who has its link, and is only to look at', async () => {
    const { api: { url, page, token } } = network().nodes[0]!;
    const get = (path: string, headers: Record<string, string> = {}) => fetch(new URL(path, url), { headers, redirect: 'manual' });
    assert.equal((await get('/')).status, 401);
    assert.equal((await get(`/?key=${token}`)).status, 401);
    const opened = await get(page);
    assert.deepEqual([opened.status, opened.headers.get('location')], [303, '/']);
    const cookie = opened.headers.get('set-cookie')!.split(';')[0]!;
    assert.ok(!page.includes(token) && !cookie.includes(token));
    const shown = await get('/', { cookie });
    assert.match(shown.headers.get('content-security-policy')!, /default-src 'none'/);
    assert.match(await shown.text(), /<h2>Jobs<\/h2>[^]*<h2>Diary<\/h2>/);
    assert.match(await (await get('/body', { cookie })).text(), /^<header>/);
    // The cookie opens nothing else, and no other site gets as far as that.
    assert.equal((await get('/v1/data', { cookie })).status, 401);
    assert.equal((await fetch(new URL('/v1/data/collect', url), { method: 'POST', headers: { cookie } })).status, 401);
    assert.equal((await get('/', { cookie, 'sec-fetch-site': 'cross-site' })).status, 401);
    assert.equal((await get('/v1/status', { authorization: `Bearer ${token}`, origin: 'http://example.org' })).status, 401);
  });

  test('the log of a replica can be followed while it runs', async () => {
    const net = network();
    const { client } = await net.client();
    const record = await client.submit({ command: ['sh', '-c', 'echo first; sleep 1; echo second >&2'], verification: { replicas: 1, audit: 0 } });
    await reach(client, record, 'Assigned');
    const heard: string[] = [];
    let stateAtFirst: string | undefined;
    for await (const { stream, data } of client.logs(record, 0)) {
      const text = Buffer.from(data).toString();
      if (text === 'first\n') stateAtFirst = client.stateOf(record)?.state;
      heard.push(`${stream}: ${text.trim()}`);
    }
    assert.deepEqual(heard, ['info: fetching', 'info: running', 'stdout: first', 'stderr: second', 'info: publishing']);
    assert.equal(stateAtFirst, 'Assigned');
    await settledJob(client, record);
  });
});
