import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { resultFiles } from '../../../../src/executor/index.ts';
import type { SuiteContext } from './suite-context.ts';

/** Where image and job have the same place. */
export function coveredSuite({ rootfs, directory, it, sh }: Pick<SuiteContext, 'rootfs' | 'it' | 'sh'> & { directory(): string }): void {
  const image = async (name: string, change: (root: string) => Promise<void>) => {
    const root = path.join(directory(), name);
    await cp(rootfs, root, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    await change(root);
    return { rootfs: root };
  };
  it('lays the job\'s disk over what its image has there, and takes for output only what the job wrote', async () => {
    const covered = await image('covered', async (root) => {
      await mkdir(path.join(root, 'work/d'), { recursive: true });
      for (const name of ['f', 'd/g', 'h', 'open']) await writeFile(path.join(root, 'work', name), `${name} of the image\n`, { mode: name === 'open' ? 0o666 : 0o644 });
    });
    const result = await sh([
      'cat f d/g', '(echo x > f) 2>/dev/null || echo denied', '(echo x > d/new) 2>/dev/null || echo denied', 'rm f && echo again > f', 'echo own > own', 'rm h', 'ls | tr "\\n" " "', 'cat f',
    ].join('\n'), { outputs: [{ name: 'made', path: '/work' }], resources: { diskBytes: '2MiB' } }, covered);
    assert.equal(result.stdout, 'f of the image\nd/g of the image\ndenied\ndenied\nd f open own again\n');
    const made = result.outputs[0]!.path;
    assert.deepEqual((await resultFiles(result)).map((one) => one.path), ['made/f', 'made/own', 'stdout'], result.notes.join());
    assert.equal(await readFile(path.join(made, 'f'), 'utf8'), 'again\n');
    assert.equal(await readFile(path.join(covered.rootfs, 'work/f'), 'utf8'), 'f of the image\n', 'the image is untouched');
  });
  it('mounts over whatever an image has in the way', async () => {
    for (const [kind, targets] of [['file', ['tmp', 'work', 'outputs', 'inputs', '.gadus', 'dev', 'proc', 'sys']], ['link', ['tmp', '.gadus', 'dev', 'proc', 'sys']]] as const) {
      const odd = await image(kind, async (root) => {
        for (const target of targets) {
          const place = path.join(root, target);
          await rm(place, { recursive: true, force: true });
          await (kind === 'file' ? writeFile(place, 'x') : symlink('/bin', place));
        }
      });
      const result = await sh('echo x > /work/a && echo x > /outputs/b && echo x > /tmp/c && test -d /proc/self && echo done', {}, odd);
      assert.deepEqual([result.exitCode, result.stdout], [0, 'done\n'], `${kind}: ${result.stderr}`);
    }
  });
}
