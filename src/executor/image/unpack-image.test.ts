import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
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

  const inode = (root: string, name: string) => lstatSync(path.join(root, name)).ino;

  test('links to files of lower layers, found as a job would find them', async () => {
    const lower = tarOf([
      { name: 'usr/', type: '5', mode: 0o755 }, { name: 'usr/bin/', type: '5', mode: 0o711 }, { name: 'usr/bin/tool', content: 'tool', mode: 0o755 },
      { name: 'bin', type: '2', link: 'usr/bin' }, { name: 'abs', type: '2', link: '/usr' }, { name: 'kept', content: 'kept' }, { name: 'gone', content: 'gone' },
    ]);
    const root = await unpack(layoutOf([lower, gzipSync(tarOf([
      { name: 'usr/bin/again', type: '1', link: 'usr/bin/tool' }, { name: './new/by-link', type: '1', link: './bin//tool' }, { name: 'new/by-absolute', type: '1', link: 'abs/bin/tool' },
      { name: 'was', type: '1', link: 'gone' }, { name: '.wh.gone' }, { name: 'of old', type: '1', link: 'kept' }, { name: 'kept', content: 'its own' }, { name: 'of new', type: '1', link: 'kept' },
    ])), tarOf([{ name: 'third', type: '1', link: 'new/by-link' }])]));
    for (const name of ['usr/bin/again', 'new/by-link', 'new/by-absolute', 'third']) assert.equal(inode(root, name), inode(root, 'usr/bin/tool'), name);
    assert.equal(statSync(path.join(root, 'third')).nlink, 5);
    assert.deepEqual([read(root, 'was'), read(root, 'of old'), read(root, 'kept'), read(root, 'of new')], ['gone', 'kept', 'its own', 'its own']);
    assert.equal(inode(root, 'of new'), inode(root, 'kept'));
    // Nothing that was lent is left, and nothing it was lent by has changed.
    assert.deepEqual(readdirSync(root).sort(), ['abs', 'bin', 'kept', 'new', 'of new', 'of old', 'third', 'usr', 'was']);
    assert.deepEqual([readdirSync(path.join(root, 'usr')), readlinkSync(path.join(root, 'bin')), statSync(path.join(root, 'usr/bin')).mode & 0o777], [['bin'], 'usr/bin', 0o711]);
  });

  test('leaves a directory as it was that a layer only puts something into, and one behind a link where it is', async () => {
    const root = await unpack(layoutOf([
      tarOf([{ name: 'tmp/', type: '5', mode: 0o1777 }, { name: 'usr/lib/', type: '5', mode: 0o750 }, { name: 'lib', type: '2', link: 'usr/lib' }, { name: 'out', type: '2', link: '/../../made/here' }, { name: 'file', content: 'x' }]),
      tarOf([{ name: 'tmp/new', content: 'x' }, { name: 'lib/deep/new', content: 'x' }, { name: 'out/new', content: 'x' }, { name: 'file/new', content: 'x' }]),
      tarOf([{ name: 'lib/deep/.wh.new', content: 'x' }, { name: 'lib/late', content: 'x' }, { name: 'out/', type: '5' }]),
    ]));
    assert.deepEqual([statSync(path.join(root, 'tmp')).mode & 0o7777, statSync(path.join(root, 'usr/lib')).mode & 0o7777], [0o1777, 0o750]);
    assert.equal(readlinkSync(path.join(root, 'lib')), 'usr/lib');
    assert.deepEqual(readdirSync(path.join(root, 'usr/lib')).sort(), ['deep', 'late']);
    assert.deepEqual([readdirSync(path.join(root, 'usr/lib/deep')), readdirSync(path.join(root, 'made/here')), readdirSync(path.join(root, 'file'))], [[], ['new'], ['new']]);
    // A directory of its own takes a link's place.
    assert.deepEqual(lstatSync(path.join(root, 'out')).isDirectory() && readdirSync(path.join(root, 'out')), []);
    // Times are those of the layers, or none: the same on every machine.
    for (const name of ['.', 'tmp', 'usr', 'usr/lib', 'usr/lib/deep', 'made', 'made/here']) assert.equal(statSync(path.join(root, name)).mtimeMs, 0, name);
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

  test('lends nothing from outside the image, and nothing that leads there', async () => {
    const outside = path.join(directory, 'lent');
    mkdirSync(path.join(outside, 'sub'), { recursive: true });
    writeFileSync(path.join(outside, 'secret'), 'secret');
    const links = tarOf([
      { name: 'up', type: '2', link: outside }, { name: 'climb', type: '2', link: `${'../'.repeat(30)}${outside.slice(1)}` }, { name: 'one', type: '2', link: path.join(outside, 'secret') },
      { name: 'loop', type: '2', link: 'loop' }, { name: 'sub', type: '2', link: `${outside}/sub` }, { name: 'd/', type: '5' }, { name: 'd/f', content: 'x' }, { name: 'f', content: 'x' },
    ]);
    for (const over of [
      [{ name: 'h', type: '1', link: 'up/secret' }], [{ name: 'h', type: '1', link: 'climb/secret' }], [{ name: 'h', type: '1', link: 'one' }], [{ name: 'h', type: '1', link: 'loop/x' }],
      [{ name: 'h', type: '1', link: 'd' }], [{ name: 'h', type: '1', link: '.' }], [{ name: 'h', type: '1', link: 'absent' }], [{ name: 'h', type: '1', link: 'f/x' }],
      // A link that were lent itself would lead out what comes after it.
      [{ name: 'h', type: '1', link: 'sub' }, { name: 'sub/evil', content: 'x' }], [{ name: 'h', type: '1', link: 'sub' }, { name: 'i', type: '1', link: 'sub/evil' }],
      [{ name: 'h', type: '1', link: 'd/f' }, { name: 'd', type: '2', link: outside }, { name: 'd/evil', content: 'x' }],
    ]) {
      await assert.rejects(unpack(layoutOf([links, tarOf(over)])), invalid, JSON.stringify(over));
      assert.deepEqual([readdirSync(outside).sort(), readdirSync(path.join(outside, 'sub')), statSync(path.join(outside, 'secret')).nlink], [['secret', 'sub'], [], 1], JSON.stringify(over));
    }
    // What takes a lent file's place takes it in its own layer alone.
    for (const over of [{ name: 'd/f', type: '2', link: path.join(outside, 'secret') }, { name: 'd/f', content: 'other' }, { name: 'd/f', type: '6' }, { name: 'd/f/', type: '5' }]) {
      const root = await unpack(layoutOf([links, tarOf([{ name: 'h', type: '1', link: 'd/f' }, over])]));
      assert.equal(read(root, 'h'), 'x');
      assert.deepEqual([readdirSync(outside).sort(), read(outside, 'secret')], [['secret', 'sub'], 'secret']);
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
    'a name behind a link to a file': () => layoutOf([tarOf([{ name: 'f', content: 'x' }, { name: 'l', type: '2', link: 'f' }]), tarOf([{ name: 'l/x', content: 'x' }])]),
    'a name behind a link into a file': () => layoutOf([tarOf([{ name: 'f', content: 'x' }, { name: 'l', type: '2', link: 'f/d/e' }]), tarOf([{ name: 'l/x', content: 'x' }])]),
    'a name behind a loop of links': () => layoutOf([tarOf([{ name: 'l', type: '2', link: 'l' }]), tarOf([{ name: 'l/x', content: 'x' }])]),
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

  test('ends with whichever layer fails first, and with its caller, and nothing goes on then', async () => {
    const large = gzipSync(tarOf(Array.from({ length: 40 }, (_, i) => ({ name: `f${i}`, content: `${i} `.repeat(50_000) }))));
    const spoil = (files: Map<string, string | Uint8Array>, layer: Uint8Array) => { for (const [name, content] of files) if (content === layer) files.set(name, large.subarray(0, large.length >> 1)); };
    const other = gzipSync(tarOf([{ name: 'x', content: 'x' }]));
    for (const layers of [[other, large], [large, other, large], [other, other, other]]) await assert.rejects(unpack(layoutOf(layers, (files) => spoil(files, other)), { maxBytes: 100_000_000 }), invalid);
    const [file, root, scratch] = ['abort', 'abort-root', 'abort-scratch'].map((name) => path.join(directory, name)) as [string, string, string];
    for (const one of [root, scratch]) mkdirSync(one);
    writeFileSync(file, layoutOf([large, other, large]));
    for (const ms of [0, 1, 5, 20, 40]) {
      const unpacking = unpackImage(file, root, { scratch, signal: AbortSignal.timeout(ms) });
      await unpacking.catch((error: unknown) => assert.ok(isError(error, 'ABORTED'), String(error)));
      // Whoever still wrote there would be in the way, or noticed.
      for (const one of [root, scratch]) {
        rmSync(one, { recursive: true, force: true });
        assert.ok(!existsSync(one));
        mkdirSync(one);
      }
    }
  });

  test('says which platforms there are when this one is not', async () => {
    const other = layoutOf([base], (files) => {
      const index = JSON.parse(String(files.get('index.json'))) as { manifests: object[] };
      files.set('index.json', JSON.stringify({ manifests: index.manifests.map((one) => ({ ...one, platform: { os: 'plan9', architecture: 'mips' } })) }));
    });
    await assert.rejects(unpack(other), (error) => isError(error, 'IMAGE_UNFIT') && /plan9\/mips/.test(String((error as { details?: string }).details)));
  });
});
