import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { imageOf, sha256, tarOf } from '../../../../test/images/layers.ts';
import { noRegistry, startRegistry, writeIndex, type Registry } from '../../../../test/images/registry.ts';
import { isError } from '../../../protocol/index.ts';
import { unpackImage } from '../unpack-image.ts';
import { pullImage } from './pull-image.ts';

const platform = { os: 'linux', architecture: 'amd64' };
const here = imageOf([tarOf([{ name: 'etc/', type: '5', mode: 0o755 }, { name: 'etc/a', content: 'one' }]), gzipSync(tarOf([{ name: 'etc/b', content: 'two' }])), zstdCompressSync(tarOf([{ name: 'etc/c', content: 'three' }]))]);
const there = imageOf([tarOf([{ name: 'etc/other', content: 'other' }])]);
const layers = (JSON.parse(Buffer.from(here.blobs.get(here.manifest)!).toString()) as { layers: { digest: string }[] }).layers.map(({ digest }) => digest);

/** Sets variables of the environment while something is done. */
async function withEnv<T>(env: Record<string, string>, work: () => Promise<T>): Promise<T> {
  const before = Object.fromEntries(Object.keys(env).map((name) => [name, process.env[name]]));
  Object.assign(process.env, env);
  try {
    return await work();
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

/** What one pull leaves beside its archive must be nothing. */
function workshop() {
  const directory = mkdtempSync(path.join(tmpdir(), 'gadus-pull-'));
  let serial = 0;
  return {
    directory,
    async pull(reference: string, more: Partial<Parameters<typeof pullImage>[0]> = {}) {
      const folder = path.join(directory, String(serial++));
      mkdirSync(folder);
      const out = path.join(folder, 'image.tar');
      try {
        return { out, ...await pullImage({ reference, out, platform, ...more }) };
      } finally {
        assert.deepEqual(readdirSync(folder).filter((name) => name !== 'image.tar'), []);
      }
    },
    async unpack(archive: string) {
      const [root, scratch] = ['root', 'scratch'].map((name) => path.join(directory, `${name}-${serial++}`)) as [string, string];
      for (const one of [root, scratch]) mkdirSync(one);
      await unpackImage(archive, root, { scratch, platform });
      return root;
    },
    remove: () => rmSync(directory, { recursive: true }),
  };
}

describe('pullImage, from a registry', { skip: noRegistry }, () => {
  const { directory, pull, unpack, remove } = workshop();
  let registry: Registry;
  let closed: Registry;
  let host: string;
  let index: string;
  before(async () => {
    [registry, closed] = await Promise.all([startRegistry(), startRegistry({ login: true })]);
    host = registry.host;
    const layout = path.join(directory, 'layout');
    index = writeIndex(layout, [{ platform: { os: 'linux', architecture: 's390x' }, ...there }, { platform, ...here }], sha256);
    registry.push(layout, 'team/tool:1.0');
    closed.push(layout, 'team/tool:1.0');
  });
  after(async () => {
    await Promise.all([registry, closed].map((one) => one?.stop()));
    remove();
  });

  test('makes the same archive of the same image, by tag, by its digest and by that of its index, under any umask', async () => {
    const a = await pull(`${host}/team/tool:1.0`);
    assert.equal(a.digest, here.manifest);
    const umask = process.umask(0o077);
    try {
      for (const reference of [`docker://${host}/team/tool@${here.manifest}`, `${host}/team/tool:1.0@${index}`]) {
        const b = await pull(reference);
        assert.equal(b.digest, here.manifest);
        assert.ok(readFileSync(a.out).equals(readFileSync(b.out)), reference);
      }
    } finally {
      process.umask(umask);
    }
    const root = await unpack(a.out);
    assert.deepEqual(['a', 'b', 'c'].map((name) => readFileSync(path.join(root, 'etc', name), 'utf8')), ['one', 'two', 'three']);
    assert.equal((await pull(`${host}/team/tool:1.0`, { platform: { os: 'linux', architecture: 's390x' } })).digest, there.manifest);
  });

  test('uses the credentials of the usual files, and of helpers', async () => {
    const reference = `${closed.host}/team/tool:1.0`;
    const denied = (error: unknown) => isError(error, 'REGISTRY_DENIED') && error.hint?.includes(`skopeo login ${closed.host}`) === true;
    const auth = (password: string) => JSON.stringify({ auths: { [closed.host]: { auth: Buffer.from(`me:${password}`).toString('base64') } } });
    const [none, wrong, right, helped] = ['none', 'wrong', 'right', 'helped'].map((name) => path.join(directory, `${name}.json`)) as [string, string, string, string];
    writeFileSync(none, '{}');
    writeFileSync(wrong, auth('guess'));
    writeFileSync(right, auth('secret'));
    writeFileSync(helped, JSON.stringify({ credHelpers: { [closed.host]: 'test' } }));
    for (const file of [none, wrong]) await withEnv({ REGISTRY_AUTH_FILE: file }, () => assert.rejects(pull(reference), denied));
    assert.equal((await withEnv({ REGISTRY_AUTH_FILE: right }, () => pull(reference))).digest, here.manifest);
    const bin = path.join(directory, 'bin');
    mkdirSync(bin);
    writeFileSync(path.join(bin, 'docker-credential-test'), '#!/bin/sh\nread -r server\nprintf \'{"ServerURL":"%s","Username":"me","Secret":"secret"}\' "$server"\n', { mode: 0o755 });
    assert.equal((await withEnv({ REGISTRY_AUTH_FILE: helped, PATH: `${bin}:${process.env['PATH']}` }, () => pull(reference))).digest, here.manifest);
  });

  test('takes nothing that is not what was asked for, and leaves nothing behind', async () => {
    const file = registry.blobPath(layers[0]!);
    const bytes = readFileSync(file);
    try {
      for (const content of [Buffer.alloc(bytes.length), Buffer.concat([bytes, bytes]), bytes.subarray(0, 100)]) {
        writeFileSync(file, content);
        await assert.rejects(pull(`${host}/team/tool:1.0`), (error) => isError(error, 'IMAGE_INVALID'));
      }
      rmSync(file);
      await assert.rejects(pull(`${host}/team/tool:1.0`), (error) => isError(error, 'IMAGE_MISSING'));
    } finally {
      writeFileSync(file, bytes);
    }
    await pull(`${host}/team/tool:1.0`);
  });

  test('says what is missing, refused or not there at all', async () => {
    await assert.rejects(pull(`${host}/team/tool:2.0`), (error) => isError(error, 'IMAGE_MISSING'));
    await assert.rejects(pull(`${host}/nobody/nothing`), (error) => isError(error, 'IMAGE_MISSING'));
    await assert.rejects(pull(`${host}/team/tool@sha256:${'0'.repeat(64)}`), (error) => isError(error, 'IMAGE_MISSING'));
    await assert.rejects(pull(`${host}/team/tool:1.0`, { platform: { os: 'plan9', architecture: 'x' } }), (error) => isError(error, 'IMAGE_UNFIT') && /linux\/s390x, linux\/amd64/.test(error.details ?? ''));
    await assert.rejects(pull('127.0.0.1:1/x'), (error) => isError(error, 'REGISTRY_FAILED') && /127\.0\.0\.1:1/.test(error.hint ?? ''));
    await assert.rejects(pull('docker-daemon:tool:1'), (error) => isError(error, 'REGISTRY_FAILED', 'IMAGE_MISSING'));
    await assert.rejects(pull(`${host}/team/tool:1.0`, { signal: AbortSignal.abort() }), (error) => isError(error, 'ABORTED'));
  });

  test('does not wait for ever, and not at all for who has left', async () => {
    registry.process.kill('SIGSTOP');
    try {
      await assert.rejects(pull(`${host}/team/tool:1.0`, { timeoutMs: 500 }), (error) => isError(error, 'REGISTRY_FAILED'));
      const leaving = new AbortController();
      const pulled = pull(`${host}/team/tool:1.0`, { signal: leaving.signal });
      setImmediate(() => leaving.abort());
      await assert.rejects(pulled, (error) => isError(error, 'ABORTED'));
    } finally {
      registry.process.kill('SIGCONT');
    }
  });

  test('says that there is no room', async (t) => {
    const small = path.join(directory, 'small');
    mkdirSync(small);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8k', 'none', small], { stdio: 'ignore' });
    } catch {
      return t.skip('NOT RUN: a file system of limited size cannot be mounted here');
    }
    try {
      await assert.rejects(pullImage({ reference: `${host}/team/tool:1.0`, out: path.join(small, 'x'), platform }), (error) => isError(error, 'NO_SPACE'));
      assert.deepEqual(readdirSync(small), []);
    } finally {
      execFileSync('umount', [small]);
    }
    return undefined;
  });
});

/** A skopeo that says all is well, whatever it hands over. */
describe('pullImage, by a skopeo that lies', () => {
  const { directory, pull, remove } = workshop();
  const answers = path.join(directory, 'answers');
  before(() => {
    const bin = path.join(directory, 'bin');
    for (const one of [bin, answers]) mkdirSync(one);
    writeFileSync(path.join(bin, 'skopeo'), `#!/bin/sh\nfor last; do :; done\ncase "$*" in\n*inspect*) cat '${answers}/manifest.json' ;;\n*copy*) cp -r '${answers}' "\${last#dir:}" ;;\nesac\n`);
    chmodSync(path.join(bin, 'skopeo'), 0o755);
  });
  after(remove);
  const lie = (change: () => void) => {
    rmSync(answers, { recursive: true });
    mkdirSync(answers);
    for (const [digest, bytes] of here.blobs) writeFileSync(path.join(answers, digest.slice(7)), bytes);
    writeFileSync(path.join(answers, 'manifest.json'), here.blobs.get(here.manifest)!);
    change();
    return withEnv({ PATH: `${path.join(directory, 'bin')}:${process.env['PATH']}` }, () => pull(`registry.example/team/tool@${here.manifest}`));
  };
  const file = (digest: string) => path.join(answers, digest.slice(7));

  test('is believed as far as the digests go', async () => {
    const { out, digest } = await lie(() => {});
    assert.equal(digest, here.manifest);
    assert.ok(existsSync(out));
  });

  for (const [title, change] of Object.entries({
    'another manifest': () => writeFileSync(path.join(answers, 'manifest.json'), there.blobs.get(there.manifest)!),
    'no manifest': () => writeFileSync(path.join(answers, 'manifest.json'), '<html>'),
    'another layer': () => writeFileSync(file(layers[1]!), 'other'),
    'half a layer': () => writeFileSync(file(layers[0]!), readFileSync(file(layers[0]!)).subarray(0, 512)),
    'a layer too few': () => rmSync(file(layers[2]!)),
  })) {
    test(`is not, with ${title}`, async () => {
      await assert.rejects(lie(change), (error) => isError(error, 'IMAGE_INVALID'));
    });
  }
});

test('an image that says it is too large is not fetched', async () => {
  const { directory, pull, remove } = workshop();
  try {
    const document = JSON.stringify({ config: { digest: `sha256:${'0'.repeat(64)}`, size: 1 }, layers: [{ digest: `sha256:${'1'.repeat(64)}`, size: 2 ** 40 }] });
    writeFileSync(path.join(directory, 'skopeo'), `#!/bin/sh\ncat <<'END'\n${document}\nEND\n`, { mode: 0o755 });
    await withEnv({ PATH: `${directory}:${process.env['PATH']}` }, () => assert.rejects(pull('registry.example/x'), (error) => isError(error, 'IMAGE_TOO_LARGE')));
  } finally {
    remove();
  }
});
