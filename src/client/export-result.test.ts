import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { sealResult } from '../evidence/index.ts';
import { canonicalJson, parseJobSpec } from '../protocol/index.ts';
import { startStorage, tempDir } from '../storage/storage.test-util.ts';
import { exportResult, type ResultCopy } from './export-result.ts';
import type { JobRecord } from './job-record.ts';
import { sealKeysOf } from './prepare-job.ts';

const court = { chainId: 31337, scheduler: '0x5FbDB2315678afecb367f032d93F642f64180aa3' } as const;
const jobId = `0x${'11'.repeat(32)}` as const;
const seed = `0x${'07'.repeat(32)}` as const;
const nodes = ['0x70997970C51812dc3A010C7d01b50e0d17dc79C8', '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC'] as const;
const entries = [{ path: 'stdout', source: new TextEncoder().encode('the answer\n') }];
const record = { jobId, seed, spec: canonicalJson(parseJobSpec({ command: ['true'], result: { encrypt: true } })) } as JobRecord;

async function published(t: TestContext) {
  const { storage } = await startStorage(t, { offline: true });
  const { publicKey } = await sealKeysOf(seed);
  const copy = async (node: ResultCopy['node'], claims: Partial<{ node: ResultCopy['node']; text: string }> = {}): Promise<ResultCopy> => {
    const { cid, plain } = await storage.addSealed(claims.text === undefined ? entries : [{ path: 'stdout', source: new TextEncoder().encode(claims.text) }], {
      seal: (car, result) => sealResult(car, { court, jobId, node, sealKey: publicKey, resultCid: result.toString() }),
    });
    return { node: claims.node ?? node, resultCid: plain.toString(), encryptedResultCid: cid.toString() };
  };
  const destination = join(await tempDir(t), 'result');
  return { copy, destination, run: (copies: ResultCopy[]) => exportResult({ storage, court }, record, copies, destination) };
}

test('a result is had from the first copy that opens', async (t) => {
  const { copy, destination, run } = await published(t);
  const good = await copy(nodes[1]);
  const { encryptedResultCid: other } = await copy(nodes[0], { text: 'another answer\n' });
  const receipt = await run([{ node: nodes[0], resultCid: good.resultCid }, { ...good, node: nodes[0], encryptedResultCid: other! }, { ...good, node: nodes[0] }, good]);
  assert.equal(receipt.cid, good.encryptedResultCid);
  assert.equal(await readFile(join(destination, 'stdout'), 'utf8'), 'the answer\n');
});

test('a copy of another node, or of another result, is none, and why is said', async (t) => {
  const { copy, destination, run } = await published(t);
  const good = await copy(nodes[1]);
  const { encryptedResultCid: other } = await copy(nodes[1], { text: 'another answer\n' });
  await assert.rejects(run([{ ...good, node: nodes[0] }]), { code: 'RESULT_UNOPENED' });
  await assert.rejects(run([{ ...good, encryptedResultCid: other! }]), { code: 'RESULT_UNOPENED' });
  await assert.rejects(run([{ node: nodes[0], resultCid: good.resultCid }]), { code: 'NO_RESULT' });
  assert.equal(existsSync(destination), false);
});

test('a node that seals another result as if it were this one is found out', async (t) => {
  const { storage } = await startStorage(t, { offline: true });
  const { publicKey } = await sealKeysOf(seed);
  const resultCid = 'bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354';
  const { cid } = await storage.addSealed(entries, { seal: (car) => sealResult(car, { court, jobId, node: nodes[0], sealKey: publicKey, resultCid }) });
  await assert.rejects(exportResult({ storage, court }, record, [{ node: nodes[0], resultCid, encryptedResultCid: cid.toString() }], join(await tempDir(t), 'result')), { code: 'ROOT_DIFFERS' });
});
