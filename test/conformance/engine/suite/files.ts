import assert from 'node:assert/strict';
import { chmod, mkdir, open, readFile, readdir, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe } from 'node:test';
import { resultFiles } from '../../../../src/executor/index.ts';
import { isError } from '../../../../src/protocol/index.ts';
import { coveredSuite } from './covered.ts';
import type { SuiteContext } from './suite-context.ts';

/** Bytes of an input that nobody copies: it takes no room, for it has a hole between its ends. */
const LARGE_BYTES = 10_000_000_003;

/** What a job reads and what it leaves. */
export function filesSuite({ rootfs, bench, it, file, sh }: SuiteContext): void {
  describe('inputs and outputs', () => {
    it('mounts a file and a directory where the spec says, read-only', async () => {
      const source = await file('plain', 'content\n');
      const tree = path.join(bench.directory, 'tree');
      await mkdir(path.join(tree, 'sub'), { recursive: true });
      await writeFile(path.join(tree, 'sub', 'leaf'), 'leaf\n');
      const result = await sh('cat /inputs/a /data/set/sub/leaf; echo x > /inputs/a; echo x > /data/set/new; rm -f /data/set/sub/leaf; ls /data/set', {}, {
        inputs: [{ path: source, target: '/inputs/a' }, { path: tree, target: '/data/set' }],
      });
      assert.equal(result.stdout, 'content\nleaf\nsub\n');
      assert.equal(result.stderr.match(/Read-only file system/g)?.length, 3);
      assert.equal(await readFile(path.join(tree, 'sub', 'leaf'), 'utf8'), 'leaf\n');
    });
    it('mounts into places that the image has, without hiding what lies beside', async () => {
      const source = await file('plain', 'content\n');
      const result = await sh('cat /etc/extra /usr/bin/data; test -s /etc/passwd && test -x /usr/bin/cat && echo both', {}, {
        inputs: [{ path: source, target: '/etc/extra' }, { path: source, target: '/usr/bin/data' }],
      });
      assert.equal(result.stdout, 'content\ncontent\nboth\n');
      assert.ok(!(await readdir(path.join(rootfs, 'etc'))).includes('extra'), 'the image is untouched');
    });
    it('takes inputs inside the working directory, which stays writable', async () => {
      const source = await file('plain', 'content\n');
      const result = await sh('cat in/a; echo y > in/b; cat in/b; echo z > c; cat c', {}, { inputs: [{ path: source, target: '/work/in/a' }] });
      assert.equal(result.stdout, 'content\ny\nz\n');
    });
    it('takes many inputs, and large ones', async () => {
      const inputs: { path: string; target: string }[] = [];
      for (let i = 0; i < 60; i++) inputs.push({ path: await file(`small-${i}`, `${i}\n`), target: `/inputs/small/${i}` });
      // More than a virtual machine gets disks for.
      for (let i = 0; i < 20; i++) inputs.push({ path: await file(`middle-${i}`, Buffer.alloc(1_100_000, i + 1)), target: `/inputs/middle/${i}` });
      const large = await file('large', 'begin');
      await truncate(large, LARGE_BYTES);
      const end = await open(large, 'r+');
      await end.write('end', LARGE_BYTES - 3);
      await end.close();
      inputs.push({ path: large, target: '/inputs/large' });
      const result = await sh('cd /inputs; cat small/* | sort -n | tail -n 1; ls small | wc -l; cat middle/* | wc -c; head -c 1 middle/7 | od -An -tx1; stat -c %s large; head -c 5 large; tail -c 3 large', {}, { inputs });
      assert.deepEqual(result.stdout.split('\n').map((line) => line.trim()), ['59', '60', String(20 * 1_100_000), '08', String(LARGE_BYTES), 'beginend'], result.stderr);
    });
    it('takes odd file names, and the longest there are', async () => {
      for (const name of ['a b\'c"d\\e$f*g\nh,i:jä', 'n'.repeat(255)]) {
        const source = await file(name, 'odd\n');
        const result = await sh('cat /inputs/*; cd /outputs; echo made > "$NAME"; ls | wc -l', { env: { NAME: name } }, { inputs: [{ path: source, target: `/inputs/${name}` }] });
        assert.match(result.stdout, /^odd\n/, result.stderr);
        assert.deepEqual(await readdir(result.outputs[0]!.path), [name]);
      }
    });
    it('hands out what the job leaves in its output directories', async () => {
      const result = await sh('echo 1 > /outputs/one; mkdir /results/deep; echo 2 > /results/deep/two', { outputs: [{ name: 'a', path: '/outputs' }, { name: 'b', path: '/results' }] });
      const [a, b] = result.outputs;
      assert.deepEqual([a!.name, b!.name], ['a', 'b']);
      assert.equal(await readFile(path.join(a!.path, 'one'), 'utf8'), '1\n');
      assert.equal(await readFile(path.join(b!.path, 'deep/two'), 'utf8'), '2\n');
    });
    it('takes a file below the working directory for an output, and notes one that was not made', async () => {
      const result = await sh('sort > out.txt < /etc/passwd', { outputs: [{ name: 'sorted', path: '/work/out.txt' }, { name: 'other', path: '/work/other' }] });
      assert.equal(result.outputs.length, 1);
      assert.match(await readFile(result.outputs[0]!.path, 'utf8'), /^nobody/);
      assert.deepEqual(result.notes, ['output other does not exist']);
    });
    it('hands out no output that is a link, or lies behind one', async () => {
      const result = await sh('ln -s /etc link; ln -s /etc dir', { outputs: [{ name: 'a', path: '/work/link' }, { name: 'b', path: '/work/dir/passwd' }] });
      assert.deepEqual(result.outputs, []);
      assert.equal(result.notes.length, 2);
    });
    it('takes what has a place in a result, and fails by nothing else that a job leaves', async () => {
      const result = await sh([
        'cd /outputs; echo kept > f; chmod 0 f; mkdir closed; echo kept > closed/f; chmod 0 closed; touch "$(printf "\\377")"; mkdir "$(printf "\\303(")"; truncate -s 1000G sparse; mkfifo pipe; ln -s /etc link',
        'n=$(printf %0250d 0); i=0; while [ $i -lt 20 ]; do mkdir $n && cd -P $n 2>/dev/null || break; i=$((i + 1)); done; exit 0',
      ].join('\n'));
      assert.deepEqual([result.exitCode, result.ended], [0, 'exit'], result.stderr);
      assert.deepEqual((await resultFiles(result)).map((one) => one.path), ['outputs/closed/f', 'outputs/f', 'stdout']);
      assert.ok((await readdir(result.outputs[0]!.path)).every((name) => !name.includes('\ufffd')));
      assert.match(result.notes.join('; '), /larger than the disk/);
      assert.match(result.notes.join('; '), /paths .*longer than 2048 bytes/);
      assert.match(result.notes.join('; '), /not UTF-8/);
    });
    it('refuses an input that the job could not read, before anything starts', async () => {
      const secret = await file('secret', 'x');
      await chmod(secret, 0o600);
      for (const source of [secret, path.join(bench.directory, 'absent'), '/dev/null']) {
        await assert.rejects(sh('true', {}, { inputs: [{ path: source, target: '/inputs/a' }] }), (error) => isError(error, 'INPUT_UNREADABLE'));
      }
    });
    coveredSuite({ rootfs, it, sh, directory: () => bench.directory });
    it('lets nothing be mounted over /proc and /dev, not even by links of the image', async () => {
      const image = path.join(bench.directory, 'linked');
      await mkdir(image);
      await symlink('../../../proc', path.join(image, 'data'));
      const source = await file('plain', 'content\n');
      await assert.rejects(sh('true', {}, { rootfs: image, inputs: [{ path: source, target: '/data/version' }] }), (error) => isError(error, 'JOB_UNFIT'));
    });
  });
}
