import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { sealResult } from '../evidence/index.ts';
import { canonicalJson, parseJobSpec, SHARD_INDEX, shardName } from '../protocol/index.ts';
import { startStorage, tempDir } from '../storage/storage.test-util.ts';
import { exportResult, type ExportResultInit, type ResultCopy } from './export-result.ts';
import type { JobRecord } from './book/job-record.ts';
import { sealKeysOf } from './request/prepare-job.ts';

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

test('of shards: all, one, or a CAR of them, from the first copy of which all opens', async (t) => {
  const { storage, dir } = await startStorage(t, { offline: true });
  const { publicKey } = await sealKeysOf(seed);
  const sharded = { ...record, spec: canonicalJson(parseJobSpec({ command: ['true'], result: { encrypt: true }, shards: { by: 'count', count: 3 } })) } as JobRecord;
  const seal = (node: ResultCopy['node']) => ({ seal: (car: AsyncIterable<Uint8Array>, result: { toString(): string }) => sealResult(car, { court, jobId, node, sealKey: publicKey, resultCid: result.toString() }) });
  const copy = async (node: ResultCopy['node'], { wrong }: { wrong?: number } = {}): Promise<ResultCopy> => {
    const shards = await Promise.all([0, 1, 2].map((shard) => storage.addSealed([{ path: 'stdout', source: new TextEncoder().encode(`shard ${shard}\n`) }], seal(node))));
    const index = await storage.addSealedDirectory(shards.map(({ plain, plainBytes }, shard) => ({ name: shardName(shard), cid: plain, bytes: plainBytes })), seal(node));
    const files = shards.map(({ cid, bytes }, shard) => ({ name: shardName(shard), cid: shard === wrong ? shards[0]!.cid : cid, bytes }));
    const { cid } = await storage.addDirectory([...files, { name: SHARD_INDEX, cid: index.cid, bytes: index.bytes }]);
    return { node, resultCid: index.plain.toString(), encryptedResultCid: cid.toString() };
  };
  const [good, bad] = [await copy(nodes[0]), await copy(nodes[1], { wrong: 2 })];
  assert.equal(good.resultCid, bad.resultCid);
  const run = (copies: ResultCopy[], name: string, init: ExportResultInit) => exportResult({ storage, court }, sharded, copies, join(dir, name), init);
  const doing = new Set<string | undefined>();
  await run([bad, good], 'all', { shards: 'all', onProgress: (progress) => doing.add(progress.doing) });
  for (const shard of [0, 1, 2]) assert.equal(await readFile(join(dir, 'all', shardName(shard), 'stdout'), 'utf8'), `shard ${shard}\n`);
  assert.deepEqual([...doing], [undefined, 'decrypting', 'unpacking']);
  await run([bad], 'one', { shards: 1 });
  assert.equal(await readFile(join(dir, 'one', 'stdout'), 'utf8'), 'shard 1\n');
  await run([good], 'all.car', { shards: 'all', car: true });
  await assert.rejects(run([bad], 'wrong', { shards: 2 }), { code: 'RESULT_UNOPENED' });
  await assert.rejects(run([good], 'beyond', { shards: 3 }), { code: 'NOT_FOUND' });
  for (const name of ['wrong', 'beyond']) assert.equal(existsSync(join(dir, name)), false);
});
