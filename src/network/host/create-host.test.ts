import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadOrCreateKey } from './identity.ts';
import { addressesOf, connectedTo, startHost } from '../hosts.test-util.ts';

test('the same seed is the same peer; another kind of key is refused', async (t) => {
  const seed = randomBytes(32);
  const [a, b] = [await startHost(t, { privateKey: seed, listen: [] }), await startHost(t, { privateKey: seed, listen: [] })];
  assert.equal(a.peerId.toString(), b.peerId.toString());
  await assert.rejects(startHost(t, { privateKey: randomBytes(31) }), { code: 'KEY_INVALID' });
  await assert.rejects(startHost(t, { bootstrap: ['not-an-address'] }), { code: 'ADDRESS_INVALID' });
});

test('the identity file is made once, is private, and a race for it has one winner', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-key-'));
  t.after(() => rm(dir, { recursive: true }));
  const path = join(dir, 'node', 'identity');
  const keys = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateKey(path)));
  assert.equal(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size, 1);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await chmod(path, 0o644);
  assert.deepEqual(await loadOrCreateKey(path), keys[0]);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await writeFile(path, 'rubbish');
  await assert.rejects(loadOrCreateKey(path), { code: 'KEY_INVALID' });
});

test('a host started before its bootstrap peer finds it, and again after it restarts', async (t) => {
  const place = await freePlace();
  const privateKey = randomBytes(32);
  const late = { privateKey, listen: [place] };
  const early = await startHost(t, { bootstrap: [place] });
  assert.equal(early.getPeers().length, 0);
  let second = await startHost(t, late);
  await connectedTo(early, 1);
  const lost = new Promise((resolve) => { early.addEventListener('peer:disconnect', resolve, { once: true }); });
  await second.stop();
  await lost;
  second = await startHost(t, late);
  await connectedTo(second, 1);
});

test('a host that is its own bootstrap peer does not dial itself', async (t) => {
  const place = await freePlace();
  const other = await startHost(t);
  const host = await startHost(t, { listen: [place], bootstrap: [place, ...addressesOf(other)] });
  await connectedTo(host, 1);
  assert.deepEqual(host.getPeers().map(String), [other.peerId.toString()]);
});

/** An address where nobody listens yet, nor will: on a loopback address that no other process is given one of. */
async function freePlace(): Promise<string> {
  const address = `127.${1 + (process.pid >> 16)}.${(process.pid >> 8) & 0xff}.${process.pid & 0xff}`;
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(0, address, resolve); });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => { server.close(resolve); });
  return `/ip4/${address}/tcp/${port}`;
}
