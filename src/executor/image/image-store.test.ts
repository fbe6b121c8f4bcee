import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { tarOf, type Entry } from '../../../test/images/layers.ts';
import { isError } from '../../protocol/index.ts';
import { buildBusyboxImage } from './build-busybox-image.ts';
import { buildDebianImage } from './build-debian-image.ts';
import { createImageStore, type ImageStore } from './image-store.ts';
import { isUnsafeName, parseTarLine } from './unpack-tar.ts';

describe('createImageStore', () => {
  let directory: string;
  let store: ImageStore;
  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'gadus-images-'));
    store = createImageStore({ dir: path.join(directory, 'store'), maxBytes: 10_000_000, maxEntries: 1000 });
  });
  after(() => rmSync(directory, { recursive: true }));

  const write = (entries: Entry[] | Buffer) => {
    const file = path.join(directory, 'image.tar');
    writeFileSync(file, Array.isArray(entries) ? tarOf(entries) : entries);
    return file;
  };
  const drafts = () => readdirSync(path.join(directory, 'store')).filter((name) => name.startsWith('.draft-'));

  test('unpacks, lists and removes', async () => {
    await store.unpack('a', write([{ name: 'bin/', type: '5', mode: 0o755 }, { name: 'bin/x', content: 'hello', mode: 0o755 }, { name: 'l', type: '2', link: '/bin/x' }]));
    assert.equal(store.has('a'), true);
    assert.equal(readFileSync(path.join(store.rootfs('a'), 'bin/x'), 'utf8'), 'hello');
    assert.equal(readlinkSync(path.join(store.rootfs('a'), 'l')), '/bin/x');
    assert.equal(statSync(store.rootfs('a')).mode & 0o777, 0o755);
    assert.deepEqual(await store.list(), ['a']);
    await store.unpack('a', '/nonexistent');
    await store.remove('a');
    await store.remove('a');
    assert.deepEqual(await store.list(), []);
    assert.throws(() => store.rootfs('a'), (error) => isError(error, 'IMAGE_MISSING'));
    assert.deepEqual(drafts(), []);
  });

  test('takes any key', async () => {
    for (const key of ['..', '.', '.hidden', 'a/b', '../../x', 'ä ö', '%2E']) {
      await store.unpack(key, write([{ name: 'x' }]));
      assert.ok(store.rootfs(key).startsWith(path.join(directory, 'store/')), key);
      assert.ok((await store.list()).includes(key), key);
      await store.remove(key);
    }
    for (const key of ['', 'x'.repeat(201)]) assert.throws(() => store.has(key), (error) => isError(error, 'REQUEST_INVALID'));
  });

  test('forgets the images longest unused when there is no room, and never one that is held', async () => {
    const small = createImageStore({ dir: path.join(directory, 'small'), maxStoreBytes: 500_000 });
    const tar = write([{ name: 'x', content: 'x'.repeat(200_000) }]);
    for (const key of ['a', 'b']) await small.unpack(key, tar);
    const held = small.hold('a');
    await small.unpack('c', tar);
    assert.deepEqual(await small.list(), ['a', 'c']);
    held.release();
    held.release();
    small.hold('c').release();
    await small.unpack('d', tar);
    assert.deepEqual(await small.list(), ['c', 'd']);
    assert.deepEqual(readdirSync(path.join(directory, 'small')).sort(), ['.size-c', '.size-d', 'c', 'd']);
    assert.throws(() => small.hold('a'), (error) => isError(error, 'IMAGE_MISSING'));
  });

  test('unpacks once for all who ask at the same time', async () => {
    const tar = write([{ name: 'x' }]);
    await Promise.all([store.unpack('same', tar), store.unpack('same', tar), store.unpack('same', tar)]);
    assert.deepEqual(drafts(), []);
  });

  const outside = () => existsSync(path.join(directory, 'evil')) || existsSync('/gadus-evil');
  for (const [title, entries] of Object.entries({
    'an absolute name': [{ name: '/gadus-evil', content: 'x' }],
    'a climbing name': [{ name: '../../evil', content: 'x' }],
    'a climbing name in the middle': [{ name: 'a/../../../evil', content: 'x' }],
    'a hard link to the host': [{ name: 'h', type: '1', link: '/etc/passwd' }],
    'a climbing hard link': [{ name: 'h', type: '1', link: '../../../../etc/passwd' }],
    'nothing at all': [],
  } satisfies Record<string, Entry[]>)) {
    test(`refuses ${title}`, async () => {
      await assert.rejects(store.unpack('bad', write(entries)), (error) => isError(error, 'IMAGE_INVALID'));
      assert.ok(!outside() && !store.has('bad'));
      assert.deepEqual(drafts(), []);
    });
  }

  test('writes nothing through a link that leads outside', async () => {
    for (const link of [directory, '../..']) {
      await store.unpack('bad', write([{ name: 'out', type: '2', link }, { name: 'out/evil', content: 'x' }])).catch((error: unknown) => {
        assert.ok(isError(error, 'IMAGE_INVALID'));
      });
      assert.ok(!outside());
      await store.remove('bad');
    }
  });

  test('leaves out devices, pipes and set-user-id bits', async () => {
    await store.unpack('dev', write([
      { name: 'sda', type: '4' }, { name: 'null', type: '3' }, { name: 'pipe', type: '6' },
      { name: 'su', content: 'x', mode: 0o6755 }, { name: 'tmp/', type: '5', mode: 0o1777 },
    ]));
    const root = store.rootfs('dev');
    assert.deepEqual(readdirSync(root).sort(), ['su', 'tmp']);
    assert.equal(lstatSync(path.join(root, 'su')).mode & 0o7777, 0o755);
    assert.equal(lstatSync(path.join(root, 'tmp')).mode & 0o7777, 0o1777);
  });

  test('refuses too much, before unpacking it', async () => {
    await assert.rejects(store.unpack('big', write([{ name: 'x', size: 20_000_000 }])), (error) => isError(error, 'IMAGE_TOO_LARGE', 'IMAGE_INVALID'));
    const many = Array.from({ length: 1100 }, (_, i) => ({ name: `f${i}` }));
    await assert.rejects(store.unpack('many', write(many)), (error) => isError(error, 'IMAGE_TOO_LARGE'));
  });

  test('refuses what is no tar, or half of one', async () => {
    await assert.rejects(store.unpack('bad', write(Buffer.from('hello world'.repeat(200)))), (error) => isError(error, 'IMAGE_INVALID'));
    await assert.rejects(store.unpack('bad', write(tarOf([{ name: 'x', content: 'y'.repeat(5000) }]).subarray(0, 1500))), (error) => isError(error, 'IMAGE_INVALID'));
    await assert.rejects(store.unpack('bad', path.join(directory, 'absent')), (error) => isError(error, 'IMAGE_MISSING'));
  });

  test('removes what a dead process was unpacking', async () => {
    const dead = path.join(directory, 'store', '.draft-4194999-x');
    mkdirSync(dead);
    await store.unpack('after', write([{ name: 'x' }]));
    assert.ok(!existsSync(dead));
  });

  test('stops when aborted', async () => {
    await assert.rejects(store.unpack('aborted', write([{ name: 'x' }]), { signal: AbortSignal.abort() }), (error) => isError(error, 'ABORTED'));
    assert.equal(store.has('aborted'), false);
  });

  test('builds the same busybox image twice, under any umask', async () => {
    const [a, b] = ['a.tar', 'b.tar'].map((name) => path.join(directory, name)) as [string, string];
    await buildBusyboxImage({ out: a });
    const umask = process.umask(0o077);
    try {
      await buildBusyboxImage({ out: b });
    } finally {
      process.umask(umask);
    }
    assert.ok(readFileSync(a).equals(readFileSync(b)));
    await store.unpack('busybox', a);
    const root = store.rootfs('busybox');
    for (const applet of ['sh', 'unzip', 'sed', 'awk', 'sort', 'gzip', 'sha256sum']) assert.equal(readlinkSync(path.join(root, 'bin', applet)), 'busybox');
    assert.equal(statSync(path.join(root, 'usr/bin/env')).mode & 0o777, 0o755);
    assert.deepEqual(readdirSync(directory).filter((name) => name.includes('draft')), []);
  });

  test('refuses package names that are none', async () => {
    for (const name of ['', '-x', 'a b', 'a,b', '--include=x', 'A', 'x;y']) {
      await assert.rejects(buildDebianImage({ packages: [name], out: path.join(directory, 'x.tar') }), (error) => isError(error, 'REQUEST_INVALID'));
    }
  });
});

test('reads a listing', () => {
  assert.deepEqual(parseTarLine('-rw-r--r-- 0/0              12 2026-11-23 18:27 ./a b'), { type: '-', bytes: 12, name: './a b' });
  assert.deepEqual(parseTarLine('crw-r--r-- 0/0             1,3 2026-11-23 18:27 d/n'), { type: 'c', bytes: 0, name: 'd/n' });
  assert.equal(parseTarLine('tar: oops'), undefined);
  assert.equal(isUnsafeName({ type: 'l', bytes: 0, name: 'a -> ../../b' }), false);
  assert.equal(isUnsafeName({ type: 'h', bytes: 0, name: 'a link to ../b' }), true);
  assert.equal(isUnsafeName({ type: '-', bytes: 0, name: 'a..b/c...d' }), false);
});
