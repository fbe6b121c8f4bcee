import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { imageOf, sha256, tarOf } from '../../../../test/images/layers.ts';
import { isError } from '../../../protocol/index.ts';
import { unpackImage } from '../unpack-image.ts';
import { parseReference } from './parse-reference.ts';
import { pullImage } from './pull-image.ts';

const platform = { os: 'linux', architecture: 'amd64' };

/** A registry as the distribution specification has it, with one repository `team/tool`, as far as pulling goes. */
class TestRegistry {
  readonly blobs: Map<string, Uint8Array>;
  readonly manifest: string;
  readonly index: string;
  /** Answers in place of what is asked for, by path. */
  readonly instead = new Map<string, (response: ServerResponse) => void>();
  token: string | undefined;
  readonly seen: string[] = [];
  private readonly server: Server;

  constructor() {
    const { blobs, manifest } = imageOf([tarOf([{ name: 'etc/', type: '5', mode: 0o755 }, { name: 'etc/a', content: 'one' }]), gzipSync(tarOf([{ name: 'etc/b', content: 'two' }]))]);
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [
      { digest: `sha256:${'0'.repeat(64)}`, size: 1, platform: { os: 'linux', architecture: 's390x' } },
      { digest: manifest, size: blobs.get(manifest)!.length, platform },
    ] }));
    this.index = sha256(index);
    this.blobs = blobs.set(this.index, index);
    this.manifest = manifest;
    this.server = createServer((request, response) => this.answer(request, response));
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => { this.server.listen(0, '127.0.0.1', resolve); });
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => { this.server.close(resolve); });
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url!;
    this.seen.push(url);
    const other = this.instead.get(url);
    if (other) return other(response);
    if (url.startsWith('/token')) {
      response.end(JSON.stringify({ token: this.token, scope: new URL(url, 'http://x').searchParams.get('scope') }));
      return undefined;
    }
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`) {
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token",service="test",scope="repository:team/tool:pull"` }).end();
      return undefined;
    }
    const [, what, name] = /^\/v2\/team\/tool\/(manifests|blobs)\/(.+)$/.exec(url) ?? [];
    const bytes = this.blobs.get(what === 'manifests' && name === '1.0' ? this.index : name ?? '');
    if (!bytes) response.writeHead(404).end('{}');
    else response.writeHead(200, { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }).end(bytes);
    return undefined;
  }
}

describe('pullImage', () => {
  let directory: string;
  let registry: TestRegistry;
  let host: string;
  let serial = 0;
  before(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'gadus-pull-'));
    registry = new TestRegistry();
    host = await registry.start();
  });
  after(async () => {
    await registry.stop();
    rmSync(directory, { recursive: true });
  });
  const pull = async (reference: string, more: { signal?: AbortSignal; timeoutMs?: number } = {}) => {
    const out = path.join(directory, `${serial++}.tar`);
    return { out, ...(await pullImage({ reference: `${host}/${reference}`, out, platform, ...more })) };
  };
  const blobUrl = (digest: string) => `/v2/team/tool/blobs/${digest}`;
  const layers = () => (JSON.parse(Buffer.from(registry.blobs.get(registry.manifest)!).toString()) as { layers: { digest: string }[] }).layers.map(({ digest }) => digest);

  test('makes the same archive of the same image, by tag and by digest, under any umask', async () => {
    const a = await pull('team/tool:1.0');
    const umask = process.umask(0o077);
    try {
      const b = await pull(`team/tool@${registry.manifest}`);
      assert.ok(readFileSync(a.out).equals(readFileSync(b.out)));
    } finally {
      process.umask(umask);
    }
    assert.equal(a.digest, registry.manifest);
    const [root, scratch] = ['root', 'scratch'].map((name) => path.join(directory, name)) as [string, string];
    for (const one of [root, scratch]) mkdirSync(one);
    await unpackImage(a.out, root, { scratch, platform });
    assert.deepEqual(['a', 'b'].map((name) => readFileSync(path.join(root, 'etc', name), 'utf8')), ['one', 'two']);
  });

  test('asks for a token when told to, once', async () => {
    registry.token = 'open sesame';
    registry.seen.length = 0;
    try {
      await pull('team/tool:1.0');
      assert.deepEqual(registry.seen.filter((url) => url.startsWith('/token')), ['/token?service=test&scope=repository%3Ateam%2Ftool%3Apull']);
      registry.instead.set('/token?service=test&scope=repository%3Ateam%2Ftool%3Apull', (response) => response.writeHead(403).end());
      await assert.rejects(pull('team/tool:1.0'), (error) => isError(error, 'REGISTRY_FAILED'));
    } finally {
      registry.token = undefined;
      registry.instead.clear();
    }
  });

  test('sends the credentials of the usual file with the request for a token', async () => {
    const file = path.join(directory, 'auth.json');
    writeFileSync(file, JSON.stringify({ auths: { [host]: { auth: Buffer.from('me:secret').toString('base64') } } }));
    const before = process.env['REGISTRY_AUTH_FILE'];
    process.env['REGISTRY_AUTH_FILE'] = file;
    registry.instead.set('/v2/team/tool/manifests/basic', (response) => {
      if (response.req.headers.authorization === 'Basic bWU6c2VjcmV0') response.end(registry.blobs.get(registry.index));
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    });
    try {
      assert.equal((await pull('team/tool:basic')).digest, registry.manifest);
    } finally {
      registry.instead.clear();
      if (before === undefined) delete process.env['REGISTRY_AUTH_FILE'];
      else process.env['REGISTRY_AUTH_FILE'] = before;
    }
  });

  test('takes nothing that is not what was asked for, and leaves nothing behind', async () => {
    const [layer] = layers();
    const bytes = registry.blobs.get(layer!)!;
    const before = readdirSync(directory).length;
    for (const [url, answer] of [
      [blobUrl(layer!), (response: ServerResponse) => response.end(Buffer.alloc(bytes.length))],
      [blobUrl(layer!), (response: ServerResponse) => response.end(Buffer.concat([bytes, bytes]))],
      [blobUrl(layer!), (response: ServerResponse) => response.end(bytes.subarray(0, 100))],
      [`/v2/team/tool/manifests/${registry.manifest}`, (response: ServerResponse) => response.end('{"config":{},"layers":[]}')],
      ['/v2/team/tool/manifests/1.0', (response: ServerResponse) => response.end('<html>')],
    ] as const) {
      registry.instead.set(url, answer);
      await assert.rejects(pull('team/tool:1.0'), (error) => isError(error, 'IMAGE_INVALID'), url);
      registry.instead.clear();
    }
    registry.instead.set(blobUrl(layer!), (response) => { response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 10)); setImmediate(() => response.destroy()); });
    await assert.rejects(pull('team/tool:1.0'), (error) => isError(error, 'REGISTRY_FAILED'));
    registry.instead.clear();
    assert.equal(readdirSync(directory).length, before);
  });

  test('waits for a layer that comes slowly, and not for one that stops coming', async () => {
    const timeoutMs = 500;
    const [layer] = layers();
    const bytes = registry.blobs.get(layer!)!;
    registry.instead.set(blobUrl(layer!), (response) => {
      let at = 0;
      const drip = setInterval(() => {
        if (at < bytes.length) response.write(bytes.subarray(at, at += Math.ceil(bytes.length / 12)));
        else {
          clearInterval(drip);
          response.end();
        }
      }, timeoutMs / 10);
    });
    const started = performance.now();
    await pull('team/tool:1.0', { timeoutMs });
    assert.ok(performance.now() - started > timeoutMs, 'longer than any silence may be');
    registry.instead.set(blobUrl(layer!), (response) => void response.write(bytes.subarray(0, 10)));
    await assert.rejects(pull('team/tool:1.0', { timeoutMs: 200 }), (error) => isError(error, 'REGISTRY_FAILED'));
    registry.instead.clear();
  });

  test('says what is missing, refused or not there at all', async () => {
    await assert.rejects(pull('team/tool:2.0'), (error) => isError(error, 'IMAGE_MISSING'));
    registry.instead.set('/v2/team/tool/manifests/1.0', (response) => response.writeHead(403).end());
    await assert.rejects(pull('team/tool:1.0'), (error) => isError(error, 'REGISTRY_FAILED'));
    registry.instead.set('/v2/team/tool/manifests/1.0', (response) => response.end(Buffer.alloc(5 * 1024 ** 2)));
    await assert.rejects(pull('team/tool:1.0'), (error) => isError(error, 'IMAGE_TOO_LARGE'));
    registry.instead.clear();
    await assert.rejects(pullImage({ reference: '127.0.0.1:1/x', out: path.join(directory, 'x') }), (error) => isError(error, 'REGISTRY_FAILED'));
    await assert.rejects(pull('team/tool:1.0', { signal: AbortSignal.abort() }), (error) => isError(error, 'ABORTED'));
    await assert.rejects(pullImage({ reference: `${host}/team/tool:1.0`, out: path.join(directory, 'y'), platform: { os: 'plan9', architecture: 'x' } }), (error) => isError(error, 'IMAGE_MISSING'));
    assert.ok(!existsSync(path.join(directory, 'y')));
  });
});

test('reads references', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  for (const [text, registry, repository, reference] of [
    ['debian', 'docker.io', 'library/debian', 'latest'],
    ['debian:12-slim', 'docker.io', 'library/debian', '12-slim'],
    ['team/tool', 'docker.io', 'team/tool', 'latest'],
    ['localhost/tool:1', 'localhost', 'tool', '1'],
    ['registry.example:5000/a/b/c:1.0', 'registry.example:5000', 'a/b/c', '1.0'],
    [`registry.example/tool:1@${digest}`, 'registry.example', 'tool', digest],
  ] as const) {
    assert.deepEqual(parseReference(text), { registry, repository, reference });
  }
  for (const text of ['', 'UPPER', 'a//b:', 'a b', '../x', 'x:', 'x@sha256:1', 'http://x/y', 'x/../y', 'a'.repeat(301)]) {
    assert.throws(() => parseReference(text), (error) => isError(error, 'REQUEST_INVALID'), text);
  }
});
