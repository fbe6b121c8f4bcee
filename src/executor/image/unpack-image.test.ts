import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { binaryTar, layoutOf, tarOf } from '../../../test/images/layers.ts';
import { isError } from '../../protocol/index.ts';
import { unpackImage } from './unpack-image.ts';

describe('unpackImage', () => {
  let directory: string;
  let serial = 0;
  before(() => { directory = mkdtempSync(path.join(tmpdir(), 'gadus-unpack-')); });
  after(() => rmSync(directory, { recursive: true }));

  const unpack = async (bytes: Uint8Array, limits: { maxBytes?: number; maxEntries?: number } = {}) => {
    const [file, root, scratch] = ['image', 'root', 'scratch'].map((name) => path.join(directory, `${name}-${serial}`)) as [string, string, string];
    serial++;
    writeFileSync(file, bytes);
    for (const one of [root, scratch]) mkdirSync(one);
    await unpackImage(file, root, { scratch, maxBytes: 10_000_000, maxEntries: 1000, ...limits });
    return root;
  };
  const read = (root: string, name: string) => readFileSync(path.join(root, name), 'utf8');
  const invalid = (error: unknown) => isError(error, 'IMAGE_INVALID');
  const base = tarOf([
    { name: 'etc/', type: '5', mode: 0o755 }, { name: 'etc/a', content: 'old' }, { name: 'etc/b', content: 'b' }, { name: 'opt/', type: '5', mode: 0o755 },
    { name: 'opt/x', content: 'x' }, { name: 'opt/y/', type: '5' }, { name: 'opt/y/z', content: 'z' }, { name: 'link', type: '2', link: 'opt' }, { name: 'bin', content: 'a file' },
  ]);

  test('says of a module what it is', async () => {
    const module = Buffer.concat([Buffer.from('\0asm'), Buffer.alloc(600, 1)]);
    await assert.rejects(unpack(module), (error) => invalid(error) && (error as { hint?: string }).hint === 'run it with engine wasm');
  });

  test('lays layers one over the other: additions, replacements, whiteouts, opaque directories', async () => {
    const root = await unpack(layoutOf([base, gzipSync(tarOf([
      { name: 'etc/a', content: 'new' }, { name: 'etc/.wh.b' }, { name: 'opt/', type: '5', mode: 0o700 }, { name: 'opt/.wh..wh..opq' }, { name: 'opt/only', content: 'here' },
      { name: 'bin/', type: '5', mode: 0o755 }, { name: 'bin/tool', content: 'now a directory' },
    ])), zstdCompressSync(tarOf([{ name: 'etc/b', content: 'again' }, { name: 'h1', content: 'same' }, { name: 'h2', type: '1', link: 'h1' }, { name: '.wh.absent' }])), tarOf([])]));
    assert.deepEqual([read(root, 'etc/a'), read(root, 'etc/b'), read(root, 'opt/only'), read(root, 'bin/tool')], ['new', 'again', 'here', 'now a directory']);
    assert.deepEqual(readdirSync(path.join(root, 'opt')), ['only']);
    assert.equal(statSync(path.join(root, 'opt')).mode & 0o777, 0o700);
    assert.equal(statSync(path.join(root, 'h1')).ino, statSync(path.join(root, 'h2')).ino);
    assert.deepEqual(readdirSync(root).sort(), ['bin', 'etc', 'h1', 'h2', 'link', 'opt']);
  });

  test('takes names that are no text, and removes them', async () => {
    const layer = (script: string) => {
      const at = path.join(directory, `layer-${serial++}`);
      mkdirSync(at);
      execFileSync('perl', ['-e', `chdir $ARGV[0]; ${script}`, at]);
      return execFileSync('tar', ['-c', '-C', at, '.']);
    };
    const root = await unpack(layoutOf([
      layer('mkdir "d\\xff"; for ("\\xfe", "gone\\xfd", "d\\xff/x\\xfc") { open F, ">", $_; print F "old" }'), layer('mkdir "d\\xff"; for (".wh.gone\\xfd", "d\\xff/x\\xfc") { open F, ">", $_; print F "new" }'),
    ]));
    assert.deepEqual(readdirSync(root, { encoding: 'latin1' }).sort(), ['d\xff', '\xfe']);
    assert.equal(readFileSync(Buffer.concat([Buffer.from(root), Buffer.from('/d\xff/x\xfc', 'latin1')]), 'utf8'), 'new');
  });

  test('takes what docker save writes, and a plain file system', async () => {
    const root = await unpack(binaryTar(new Map<string, string | Uint8Array>([['manifest.json', '[{"Config":"c.json","Layers":["l1/layer.tar"]}]'], ['l1/layer.tar', base]])));
    assert.equal(read(root, 'etc/a'), 'old');
    assert.ok(!existsSync(path.join(root, 'manifest.json')));
    assert.equal(read(await unpack(base), 'opt/y/z'), 'z');
  });

  test('takes the folder of a layout, which stays as it is, and no other folder', async () => {
    const [folder, root, scratch] = ['folder', 'folder-root', 'folder-scratch'].map((name) => path.join(directory, name)) as [string, string, string];
    for (const one of [folder, root, scratch]) mkdirSync(one);
    execFileSync('tar', ['-x', '-C', folder], { input: layoutOf([base, gzipSync(tarOf([{ name: 'etc/a', content: 'new' }]))]) });
    const before = readdirSync(folder, { recursive: true }).sort();
    await unpackImage(folder, root, { scratch });
    assert.deepEqual([read(root, 'etc/a'), read(root, 'etc/b')], ['new', 'b']);
    assert.deepEqual(readdirSync(folder, { recursive: true }).sort(), before);
    await assert.rejects(unpackImage(root, path.join(directory, 'absent'), { scratch }), invalid);
  });

  test('takes a layer whose last block is cut where its content ends', async () => {
    const whole = tarOf([{ name: 'a', content: 'x'.repeat(700) }]);
    assert.equal(read(await unpack(layoutOf([whole.subarray(0, 512 + 700)])), 'a').length, 700);
  });

  test('never follows a link of a lower layer out of the image', async () => {
    const outside = path.join(directory, 'outside');
    mkdirSync(outside);
    writeFileSync(path.join(outside, 'kept'), 'kept');
    const links = tarOf([{ name: 'up', type: '2', link: outside }, { name: 'top', type: '2', link: '/' }]);
    for (const over of [
      [{ name: 'up/', type: '5' }, { name: 'up/evil', content: 'x' }], [{ name: 'up/evil', content: 'x' }], [{ name: 'up/.wh.kept' }], [{ name: 'up/.wh..wh..opq' }],
      [{ name: 'up/kept', content: 'x' }], [{ name: `top${outside}/evil`, content: 'x' }], [{ name: '.wh.up' }],
    ]) {
      const root = await unpack(layoutOf([links, tarOf(over)]));
      assert.deepEqual(readdirSync(outside), ['kept'], JSON.stringify(over));
      assert.equal(read(outside, 'kept'), 'kept');
      assert.ok(lstatSync(root).isDirectory());
    }
  });

  test('drops devices and set-user-id bits of any layer', async () => {
    const root = await unpack(layoutOf([tarOf([{ name: 'su', content: 'x', mode: 0o6755 }]), tarOf([{ name: 'sda', type: '4' }, { name: 'd/', type: '5', mode: 0o6755 }, { name: 'd/p', type: '6' }])]));
    assert.deepEqual(readdirSync(root).sort(), ['d', 'su']);
    assert.deepEqual([statSync(path.join(root, 'su')).mode & 0o7000, statSync(path.join(root, 'd')).mode & 0o7000, readdirSync(path.join(root, 'd'))], [0, 0, []]);
  });

  for (const [title, bytes] of Object.entries({
    'a whiteout of the parent directory': () => layoutOf([tarOf([{ name: 'a/', type: '5' }, { name: 'a/.wh...', content: '' }])]),
    'a whiteout without a name': () => layoutOf([tarOf([{ name: '.wh.' }])]),
    'a climbing name in a layer': () => layoutOf([tarOf([{ name: '../evil', content: 'x' }])]),
    'an absolute name in a layer': () => layoutOf([tarOf([{ name: '/gadus-evil', content: 'x' }])]),
    'a hard link to the host': () => layoutOf([tarOf([{ name: 'h', type: '1', link: '/etc/passwd' }])]),
    'a layer that is no tar': () => layoutOf([Buffer.from('hello world'.repeat(200))]),
    'a layer cut short': () => layoutOf([gzipSync(base).subarray(0, 60)]),
    'a layer with another digest': () => layoutOf([base], (files) => { for (const [name, content] of files) if (content === base) files.set(name, tarOf([{ name: 'evil' }])); }),
    'a manifest with another digest': () => layoutOf([base], (files) => {
      const index = JSON.parse(String(files.get('index.json'))) as { manifests: { digest: string }[] };
      files.set(`blobs/${index.manifests[0]!.digest.replace(':', '/')}`, JSON.stringify({ config: { digest: `sha256:${'0'.repeat(64)}`, size: 1 }, layers: [] }));
    }),
    'a layout without its layer': () => layoutOf([base], (files) => { for (const [name, content] of files) if (content === base) files.delete(name); }),
    'an index that is none': () => layoutOf([base], (files) => { files.set('index.json', '{"manifests":[{"digest":"sha256:../../etc/passwd","size":1}]}'); }),
    'a layer outside the archive': () => binaryTar(new Map([['manifest.json', '[{"Layers":["../../../etc/passwd"]}]']])),
    'a layer behind a link out of the archive': () => Buffer.concat([tarOf([{ name: 'l', type: '2', link: '/etc' }]).subarray(0, 512), binaryTar(new Map([['manifest.json', '[{"Layers":["l/passwd"]}]']]))]),
    'several images at once': () => binaryTar(new Map([['manifest.json', '[{"Layers":[]},{"Layers":[]}]']])),
  })) {
    test(`refuses ${title}`, async () => {
      await assert.rejects(unpack(bytes()), invalid);
      assert.ok(!existsSync('/gadus-evil') && !existsSync(path.join(directory, 'evil')));
    });
  }

  test('stops a layer that unpacks to too much, and too many files over all layers', async () => {
    const large = (error: unknown) => isError(error, 'IMAGE_TOO_LARGE');
    await assert.rejects(unpack(layoutOf([gzipSync(Buffer.alloc(50_000_000))])), large);
    const many = tarOf(Array.from({ length: 60 }, (_, i) => ({ name: `f${i}` })));
    await assert.rejects(unpack(layoutOf([many, many]), { maxEntries: 100 }), large);
  });

  test('says which platforms there are when this one is not', async () => {
    const other = layoutOf([base], (files) => {
      const index = JSON.parse(String(files.get('index.json'))) as { manifests: object[] };
      files.set('index.json', JSON.stringify({ manifests: index.manifests.map((one) => ({ ...one, platform: { os: 'plan9', architecture: 'mips' } })) }));
    });
    await assert.rejects(unpack(other), (error) => isError(error, 'IMAGE_UNFIT') && /plan9\/mips/.test(String((error as { details?: string }).details)));
  });
});
