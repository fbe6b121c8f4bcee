import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, link, lstat, mkdir, mkdtemp, open, readFile, readdir, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isError } from '../../protocol/index.ts';
import { runTool } from '../tool.ts';
import { CHUNK_BYTES, writeErofs } from './erofs.ts';

const MiB = 1024 ** 2;
const canMount = process.getuid?.() === 0 && existsSync('/dev/loop-control') && readFileSync('/proc/filesystems', 'utf8').includes('erofs');
const skip = canMount ? false : 'reading an image back takes root, loop devices and a kernel with erofs';

describe('an EROFS image', () => {
  let directory: string;
  before(async () => { directory = await mkdtemp(path.join(tmpdir(), 'gadus-erofs-')); });
  after(() => rm(directory, { recursive: true, force: true }));

  /** Mounts an image, with the devices its files refer to, and reads it. */
  async function mounted(image: string, devices: string[], read: (root: string) => Promise<void>): Promise<void> {
    const root = path.join(directory, 'mnt');
    await mkdir(root, { recursive: true });
    const loops: string[] = [];
    try {
      for (const file of devices) loops.push((await runTool('losetup', ['--find', '--show', '--read-only', file])).stdout.trim());
      await runTool('mount', ['-t', 'erofs', '-o', ['ro', 'loop', ...loops.map((device) => `device=${device}`)].join(','), image, root]);
      try {
        await read(root);
      } finally {
        await runTool('umount', [root]);
      }
    } finally {
      for (const device of loops) await runTool('losetup', ['--detach', device]);
    }
  }

  test('holds a tree as it is on the host', { skip }, async () => {
    const tree = path.join(directory, 'tree');
    await mkdir(path.join(tree, 'empty'), { recursive: true });
    await mkdir(path.join(tree, 'many'));
    const files: Record<string, Buffer> = { 'a': Buffer.from('a'), 'empty file': Buffer.alloc(0), 'block': randomBytes(4096), 'large': randomBytes(3 * MiB + 17), 'odd\n"\\\'ä': randomBytes(5000) };
    for (const [name, data] of Object.entries(files)) await writeFile(path.join(tree, name), data);
    for (let i = 0; i < 700; i++) await writeFile(path.join(tree, 'many', `${'n'.repeat(i % 200)}${i}`), String(i));
    await symlink('../a', path.join(tree, 'empty', 'link'));
    await link(path.join(tree, 'a'), path.join(tree, 'twin'));
    await chmod(path.join(tree, 'a'), 0o4755);
    const bytes = Buffer.from([0x66, 0xff, 0xfe]);
    await writeFile(Buffer.concat([Buffer.from(`${tree}/`), bytes]), 'not UTF-8');

    const image = path.join(directory, 'tree.erofs');
    await writeErofs({ out: image, root: { kind: 'host', path: tree } });
    await mounted(image, [], async (root) => {
      for (const [name, data] of Object.entries(files)) assert.ok(data.equals(await readFile(path.join(root, name))), name);
      assert.deepEqual((await readdir(root, { encoding: 'buffer' })).map(String).sort(), (await readdir(tree, { encoding: 'buffer' })).map(String).sort());
      assert.equal(await readFile(Buffer.concat([Buffer.from(`${root}/`), bytes]), 'utf8'), 'not UTF-8');
      assert.equal((await readdir(path.join(root, 'many'))).length, 700);
      for (let i = 0; i < 700; i++) assert.equal(await readFile(path.join(root, 'many', `${'n'.repeat(i % 200)}${i}`), 'utf8'), String(i));
      assert.equal(await readlink(path.join(root, 'empty/link')), '../a');
      const [is, was] = [await lstat(path.join(root, 'a')), await lstat(path.join(tree, 'a'))];
      assert.deepEqual([is.mode, is.uid, is.gid, is.nlink, is.ino], [was.mode, was.uid, was.gid, 2, (await lstat(path.join(root, 'twin'))).ino]);
      assert.equal(Math.floor(is.mtimeMs / 1000), Math.floor(was.mtimeMs / 1000));
      await assert.rejects(writeFile(path.join(root, 'a'), 'x'), /EROFS/);
    });
  });

  test('refers to the chunks of large files on devices of their own', { skip }, async () => {
    const sizes = { one: 2 * CHUNK_BYTES, two: 3 * CHUNK_BYTES + 4097, three: CHUNK_BYTES - 1 };
    const data = Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, randomBytes(size)]));
    for (const [name, content] of Object.entries(data)) await writeFile(path.join(directory, name), content);
    const image = path.join(directory, 'large.erofs');
    const direct = ['one', 'two'].map((name) => path.join(directory, name));
    await writeErofs({
      out: image, direct,
      root: { kind: 'directory', entries: new Map(['one', 'two', 'three'].map((name) => [`in-${name}`, { kind: 'host', path: path.join(directory, name) }])) },
    });
    assert.ok((await stat(image)).size < CHUNK_BYTES + 10 * 4096, 'only the last chunk and the small file are copied');
    await mounted(image, direct, async (root) => {
      for (const [name, content] of Object.entries(data)) assert.ok(content.equals(await readFile(path.join(root, `in-${name}`))), name);
    });
  });

  test('of a file of 10 GB is small', async () => {
    const file = path.join(directory, 'huge');
    const handle = await open(file, 'w');
    await handle.truncate(10e9);
    await handle.close();
    const image = path.join(directory, 'huge.erofs');
    await writeErofs({ out: image, direct: [file], root: { kind: 'directory', entries: new Map([['huge', { kind: 'host', path: file }]]) } });
    assert.ok((await stat(image)).size < 2 * MiB);
  });

  test('is not made of what is not there', async () => {
    await assert.rejects(writeErofs({ out: path.join(directory, 'x'), root: { kind: 'host', path: '/nowhere' } }), (error) => isError(error, 'INPUT_UNREADABLE'));
  });
});
