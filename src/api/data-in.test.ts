import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { RunningNode } from '../node/index.ts';
import { createStorage } from '../storage/index.ts';
import { callApi } from './call-api.ts';
import { serveApi } from './serve-api.ts';

/** A node's API over a storage of its own; nothing else of a node is asked for here. */
async function start(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-api-'));
  const storage = await createStorage({}, { dir: join(dir, 'storage') });
  const prepared: string[] = [];
  const running = { storage, node: { records: new Map() }, diary: { lines: [] }, possessions: { prepare: (cid: string) => prepared.push(cid) } } as unknown as RunningNode;
  const api = await serveApi(running, { port: 0, tokenPath: join(dir, 'api-token') });
  t.after(async () => {
    await api.stop();
    await storage.stop();
    await rm(dir, { recursive: true, force: true });
  });
  return { api, storage, dir, prepared };
}

async function* pieces(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield new Uint8Array(bytes.subarray(at, at + size));
}

test('what is piped in is added as the file it would be, by itself or under a name', async (t) => {
  const { api, storage, prepared } = await start(t);
  const bytes = randomBytes(3_000_000);
  const added = await callApi(api, 'POST', '/v1/data/file', pieces(bytes)) as { cid: string; bytes: number };
  assert.equal(added.cid, (await storage.addBytes(bytes)).cid.toString());
  const named = await callApi(api, 'POST', '/v1/data/file?name=a%20b.bin', pieces(bytes)) as { cid: string };
  assert.equal(named.cid, (await storage.addTree([{ path: 'a b.bin', source: bytes }])).cid.toString());
  assert.deepEqual(prepared, [added.cid, named.cid]);
  await assert.rejects(callApi(api, 'POST', '/v1/data/file?name=..', pieces(bytes)), { code: 'API_REFUSED' });
  await assert.rejects(callApi(api, 'POST', '/v1/data/file', {}), { code: 'API_REFUSED', message: /octet-stream/ });
});

test('CARs are imported, by their paths or as they come; a bad one is refused while it comes, however long it would go on', async (t) => {
  const { api, storage, dir, prepared } = await start(t);
  const { cid } = await storage.addBytes(randomBytes(3_000_000));
  const car = join(dir, 'data.car');
  await storage.exportCar(cid, car);
  await storage.remove(cid);
  const { roots } = await callApi(api, 'POST', '/v1/data/cars', { paths: [car] }) as { roots: { cid: string; bytes: number }[] };
  assert.deepEqual(roots.map((root) => root.cid), [cid.toString()]);
  assert.deepEqual(await callApi(api, 'POST', '/v1/data/cars', pieces(await readFile(car))), await callApi(api, 'POST', '/v1/data/cars', { paths: [car] }));
  assert.deepEqual(new Set(prepared), new Set([cid.toString()]));
  for (const body of [{ paths: 'x' }, { paths: [1] }, {}]) await assert.rejects(callApi(api, 'POST', '/v1/data/cars', body), { code: 'API_REFUSED' });
  await writeFile(car, 'no CAR');
  await assert.rejects(callApi(api, 'POST', '/v1/data/cars', { paths: [car] }), { code: 'API_REFUSED', message: /not a valid CAR/ });
  const ended = Promise.withResolvers<void>();
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield new Uint8Array(65_536).fill(0xff);
    } finally {
      ended.resolve();
    }
  }
  await assert.rejects(callApi(api, 'POST', '/v1/data/cars', endless()), { code: 'API_REFUSED', message: /CAR|length/ });
  await ended.promise;
});

test('who goes away while it comes leaves nothing held', async (t) => {
  const { api, storage } = await start(t);
  const controller = new AbortController();
  async function* some(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(2_000_000);
    controller.abort(new Error('enough'));
    await new Promise(() => {});
  }
  await assert.rejects(callApi(api, 'POST', '/v1/data/file', some(), { signal: controller.signal }), /enough/);
  assert.deepEqual(await storage.holdings(), []);
});
