import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { multiaddr as multiaddrOf } from '@multiformats/multiaddr';
import { CID } from 'multiformats/cid';
import type { Storage } from '../../../src/storage/index.ts';
import { startHost, startStorage, tempDir } from '../../../src/storage/storage.test-util.ts';

const run = promisify(execFile);

/** A Kubo node, or what stands in for one where there is none. */
interface Kubo {
  rpc: string;
  gateway: string;
  /** Addresses of its libp2p host, with its id. */
  swarm: string[];
  /** Adds a file or folder by the profile unixfs-v1-2025. @returns its CID */
  add(path: string): Promise<string>;
  connect(addresses: readonly string[]): Promise<void>;
  cat(cid: string): Promise<Buffer>;
}

/** `KUBO`, or `ipfs` on PATH; undefined when neither is a Kubo. */
async function findKubo(): Promise<string | undefined> {
  const program = process.env.KUBO ?? 'ipfs';
  return run(program, ['version']).then(() => program, () => undefined);
}

async function startReal(t: TestContext, program: string): Promise<Kubo> {
  const dir = await tempDir(t);
  const env = { ...process.env, IPFS_PATH: join(dir, 'repo') };
  const ipfs = async (...args: string[]) => (await run(program, args, { env, encoding: 'buffer', maxBuffer: 64 << 20 })).stdout;
  // The profile `test` has random ports, no bootstrap and no discovery; the other one came with Kubo 0.40.
  const profiled = await ipfs('init', '--profile=test,unixfs-v1-2025').then(() => true, async () => {
    await ipfs('init', '--profile=test');
    return false;
  });
  // What the profile says as well, but for how large a folder may be before it is sharded.
  const shape = profiled ? [] : ['--cid-version=1', '--raw-leaves', '--chunker=size-1048576', '--max-file-links=1024'];
  const daemon = spawn(program, ['daemon', '--offline=false'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(async () => {
    daemon.kill('SIGTERM');
    if (daemon.exitCode === null) await new Promise((resolve) => { daemon.once('exit', resolve); });
  });
  const said = new Map<string, string>();
  for await (const line of createInterface(daemon.stdout)) {
    const found = /^(RPC API|Gateway) server listening on (\S+)/.exec(line);
    if (found !== null) said.set(found[1]!, found[2]!);
    if (line.includes('Daemon is ready')) break;
  }
  const url = (name: string) => {
    const [, , host, , port] = said.get(name)!.split('/');
    return `http://${host}:${port}`;
  };
  const { Addresses } = JSON.parse(String(await ipfs('id'))) as { Addresses: string[] };
  return {
    rpc: url('RPC API'), gateway: url('Gateway'), swarm: Addresses.filter((address) => /^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\//.test(address)),
    add: async (path) => String(await ipfs('add', '-Q', '-r', '--hidden', ...shape, path)).trim(),
    async connect(addresses) { await ipfs('swarm', 'connect', addresses[0]!); },
    cat: (cid) => ipfs('cat', '--timeout=30s', cid),
  };
}

/** Our own storage with as much of the RPC API in front as ours asks for: it shows that these tests run, and nothing about Kubo. */
async function startFake(t: TestContext): Promise<Kubo> {
  const { storage, host } = await startStorage(t, { remote: { order: ['ipfs'] }, gateway: { listen: '127.0.0.1:0', allow: 'all' }, directPort: false });
  const server = createServer((request, response) => {
    request.resume();
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://kubo');
    void (async () => {
      try {
        const answer = await fetch(`${storage.gatewayUrl}/ipfs/${searchParams.get('arg')}?format=raw`);
        const bytes = Buffer.from(await answer.arrayBuffer());
        if (answer.status !== 200 || request.method !== 'POST') throw new Error('block was not found locally (offline)');
        response.end(pathname === '/api/v0/block/get' ? bytes : JSON.stringify({ Key: searchParams.get('arg'), Size: bytes.length }));
      } catch (error) {
        response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify({ Message: String(error), Code: 0, Type: 'error' }));
      }
    })();
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  return {
    rpc: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, gateway: storage.gatewayUrl!, swarm: host.getMultiaddrs().map(String),
    add: async (path) => String((await storage.add(path)).cid),
    async connect(addresses) { await storage.connect(addresses); },
    cat: async (cid) => {
      await storage.fetch(CID.parse(cid));
      return bytesOf(storage, cid);
    },
  };
}

const bytesOf = async (storage: Storage, cid: string) => Buffer.concat(await Array.fromAsync(storage.cat(CID.parse(cid))));

function testKubo(name: string, start: (t: TestContext) => Promise<Kubo | undefined>): void {
  test(`${name}: the same CIDs; blocks by bitswap both ways, by its gateway and by its RPC API`, async (t) => {
    const kubo = await start(t);
    if (kubo === undefined) return;
    const dir = await tempDir(t);
    const content = randomBytes(5_300_000);
    await mkdir(join(dir, 'tree', 'folder'), { recursive: true });
    await writeFile(join(dir, 'tree', 'big'), content);
    await writeFile(join(dir, 'tree', 'folder', 'small'), 'small');
    await writeFile(join(dir, 'tree', 'empty'), '');
    await writeFile(join(dir, 'tree', '.hidden'), 'hidden');
    await symlink('folder/small', join(dir, 'tree', 'link'));
    const theirs = await kubo.add(join(dir, 'tree'));
    const { storage: adding } = await startStorage(t, { offline: true });
    assert.equal(String((await adding.add(join(dir, 'tree'))).cid), theirs, 'the same CID');

    const ways = {
      'by bitswap': { libp2p: await startHost(t), remote: { order: ['ipfs'] } }, 'by its gateway': { offline: true, remote: { order: ['gateways'], gateways: [kubo.gateway] } },
      'by its RPC API': { offline: true, kuboUrl: kubo.rpc, remote: { order: ['ipfs'] } },
    } as const;
    for (const [way, init] of Object.entries(ways)) {
      const { storage, host } = await startStorage(t, init as Parameters<typeof startStorage>[1]);
      if (way === 'by bitswap') await host.dial(kubo.swarm.map((address) => multiaddrOf(address)));
      const receipt = await storage.fetch(CID.parse(theirs));
      assert.equal(receipt.sources.reduce((sum, { local, blocks }) => sum + (local ? 0 : blocks), 0), receipt.blocks, way);
      const big = (await storage.ls(CID.parse(theirs))).find((entry) => entry.name === 'big')!;
      assert.equal(Buffer.compare(await bytesOf(storage, String(big.cid)), content), 0, way);
    }

    const { storage: ours, host } = await startStorage(t, { remote: { order: ['ipfs'] } });
    const own = randomBytes(3_200_000);
    const { cid } = await ours.addBytes(own);
    await kubo.connect(host.getMultiaddrs().map(String));
    assert.equal(Buffer.compare(await kubo.cat(String(cid)), own), 0, 'ours by bitswap');
  });
}

testKubo('a stand-in for Kubo', startFake);
testKubo('Kubo', async (t) => {
  const program = await findKubo();
  if (program !== undefined) return startReal(t, program);
  t.diagnostic('NOT RUN: no Kubo here. Put ipfs on PATH, or name the program in KUBO.');
  t.skip('NOT RUN: no Kubo here (KUBO, or ipfs on PATH)');
});
