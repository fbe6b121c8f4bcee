import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { bytesToHex, zeroHash, type Hex } from 'viem';
import type { JobRecord } from '../../src/client/index.ts';
import { secretOf } from '../../src/client/request/prepare-job.ts';
import { fingerprintOf, profileOutput, sketchOf } from '../../src/evidence/index.ts';
import { request, windowsProtocol } from '../../src/network/index.ts';
import type { Evidence, JobSpecInput } from '../../src/protocol/index.ts';
import { reach, settledJob, useNetwork, type TestClient } from '../network.ts';
import { forgedEvidence, openedWindows, seal, startPuppet, type Forged, type Puppet } from '../puppet.ts';
import { until } from '../until.ts';
import { LONG_WINDOWS } from '../windows.ts';

const noop: JobSpecInput = { engine: 'noop', command: ['true'], verification: { replicas: 3 } };

describe('windows drawn after commitments are closed', () => {
  const network = useNetwork({ nodes: 2, configure: (config) => ({ ...config, noopEngine: true, contests: false }) });
  let puppet: Puppet;
  let asker: TestClient;
  let resultCid: string;
  before(async () => {
    puppet = await startPuppet(network());
    asker = await network().client();
  });

  test('honest nodes open theirs, true to the result', async () => {
    const record = await asker.client.submit({
      // Longer than a window, with an output that grows meanwhile.
      command: ['sh', '-c', 'for i in 1 2 3; do seq 2000 >> /outputs/n; sleep 0.5; done; echo done'], verification: { replicas: 2 },
    }, { windows: LONG_WINDOWS });
    const { verdicts } = await settledJob(asker.client, record);
    assert.deepEqual(verdicts, ['agreed', 'agreed'], JSON.stringify(record.findings));
    for (const { windows } of record.findings!) {
      assert.ok(windows!.opened > 1, JSON.stringify(windows));
      assert.equal(windows!.heldAgainstResult, true);
    }
  });

  test('a node opens them to who knows the secret, after a restart as well', async () => {
    const net = network();
    const record = await asker.client.submit({ ...noop, verification: { replicas: 1, audit: 0 } }, { windows: LONG_WINDOWS });
    const { roster } = await settledJob(asker.client, record);
    resultCid = record.findings![0]!.resultCid!;
    const index = net.indexOf(roster[0]!.node);
    const ask = (secret: Hex) => request(puppet.host, net.nodes[index]!.addrs, windowsProtocol, { jobId: record.jobId, secret, auditBps: 0, setDigest: zeroHash });
    const stranger = await ask(bytesToHex(randomBytes(32)));
    assert.ok(stranger.status === 'refused');
    assert.match(stranger.reason, /not the secret/);
    const opened = await ask(secretOf(record.seed));
    assert.equal(opened.status, 'opened');
    await net.kill(index);
    await net.restart(index);
    assert.deepEqual(await ask(secretOf(record.seed)), opened);
  });

  test('not before commitments are closed', async () => {
    const record = await assigned();
    const answers = await Promise.all(network().nodes.map(({ addrs }) => (
      request(puppet.host, addrs, windowsProtocol, { jobId: record.jobId, secret: secretOf(record.seed), auditBps: 0, setDigest: zeroHash }))));
    for (const answer of answers) {
      assert.ok(answer.status === 'refused');
      assert.match(answer.reason, /not closed.*Assigned/);
    }
    const forged = forgedEvidence(record, puppet.address);
    puppet.evidence = () => seal(puppet, record, forged);
    await puppet.commit(asker.host, record.jobId, forged.commitment);
    assert.deepEqual((await settledJob(asker.client, record)).verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
  });

  test('policy exact compares results and none nothing; neither opens windows', async () => {
    const random = ['sh', '-c', 'head -c 16 /dev/urandom | od -x'];
    const run = (policy: 'exact' | 'none', command: string[]) => (
      asker.client.submit({ command, verification: { replicas: 2, policy } }, { windows: LONG_WINDOWS }));
    for (const [policy, command] of [['exact', ['echo', 'same']], ['none', random]] as const) {
      const record = await run(policy, [...command]);
      assert.deepEqual((await settledJob(asker.client, record)).verdicts, ['agreed', 'agreed'], JSON.stringify(record.findings));
      assert.ok(record.findings!.every(({ windows }) => windows === undefined));
    }
    const record = await run('exact', random);
    await reach(asker.client, record, 'Contestable');
    assert.ok(record.findings!.every(({ agreed, reason }) => !agreed && reason.startsWith('undecided')), JSON.stringify(record.findings));
    await network().travel(LONG_WINDOWS.dispute + 2);
    await settledJob(asker.client, record);
  });

  /** A job that waits for the puppet's commitment, the nodes' being here. */
  async function assigned(): Promise<JobRecord> {
    puppet.evidence = () => ({ status: 'refused', reason: 'not now' });
    const record = await asker.client.submit(noop, { windows: LONG_WINDOWS });
    await until('the nodes have bid', () => record.bids.length === 2);
    await reach(asker.client, record, 'Open');
    assert.deepEqual(await puppet.bid(asker.host, await puppet.bidFor(record)), { ok: true });
    await until('the nodes have committed', () => Object.keys(record.commitments).length === 2);
    return record;
  }

  /** What a node whose evidence is sound may open in place of what was drawn. */
  const untrue: Record<string, { reason: RegExp; forge?: (record: JobRecord) => Promise<Forged>; windows?: (record: JobRecord, forged: Forged) => Puppet['windows'] }> = {
    'windows of another run': {
      reason: /not part of what was committed to/,
      windows: (record) => () => openedWindows(forgedEvidence(record, puppet.address, undefined, 'another log').source),
    },
    'no window': { reason: /opens other windows than were drawn/, windows: () => () => ({ status: 'opened', windows: [] }) },
    'windows with another output than its profile': {
      reason: /7 bytes by the last window, 0 in the output/,
      forge: async (record) => forgedEvidence(record, puppet.address, undefined, '7 bytes'),
    },
    'windows with other bytes than the result it claims': {
      reason: /contradict the result.*stdout has 0 bytes, not 7/,
      forge: async (record) => {
        const log = join(network().dir, 'log');
        await writeFile(log, '7 bytes');
        const profile = await profileOutput([log]);
        const claim = ({ trace }: Evidence) => ({ profile, resultCid, sketch: bytesToHex(sketchOf(fingerprintOf(trace, profile))) });
        return forgedEvidence(record, puppet.address, claim, '7 bytes');
      },
    },
    'nothing at all': { reason: /does not open the windows.*not now, not ever/, windows: () => () => ({ status: 'refused', reason: 'not now, not ever' }) },
  };

  for (const [name, { reason, forge, windows }] of Object.entries(untrue)) {
    test(`opening ${name}: its seat is rejected for that`, async () => {
      const net = network();
      const record = await assigned();
      const { roster } = await reach(asker.client, record, 'Assigned');
      const forged = await (forge?.(record) ?? forgedEvidence(record, puppet.address));
      puppet.evidence = async () => {
        const sealed = await seal(puppet, record, forged);
        if (windows !== undefined) puppet.windows = windows(record, forged);
        return sealed;
      };
      await puppet.commit(asker.host, record.jobId, forged.commitment);
      if (name === 'nothing at all') {
        await reach(asker.client, record, 'Committed');
        await until('the nodes have opened theirs', () => asker.client.exhibits(record).size === 2);
        await net.travel(LONG_WINDOWS.settle / 2 + 1);
      }
      await reach(asker.client, record, 'Contestable');
      const seat = roster.findIndex(({ node }) => node === puppet.address);
      assert.match(record.findings![seat]!.reason, reason, name);
      await net.travel(LONG_WINDOWS.dispute + 2);
      const { verdicts } = await settledJob(asker.client, record);
      assert.deepEqual(verdicts, roster.map((_, i) => (i === seat ? 'deviated' : 'agreed')));
    });
  }
});
