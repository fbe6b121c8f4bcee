import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { loopDevicesWithin } from '../../src/executor/container/leftovers.ts';
import { projectQuotaOf } from '../../src/executor/container/project-quota.ts';
import { runTool } from '../../src/executor/tool.ts';
import { buildBusyboxImage, createContainerEngine, createImageStore } from '../../src/executor/index.ts';
import { parseJobSpec } from '../../src/protocol/index.ts';

/** Where TMPDIR is on a file system with project quotas: scripts/test-v2.sh makes one. */
test('a job\'s disk is a project of the file system\'s quota, which bounds bytes and files and is forgotten with the run', { skip: projectQuotaOf(tmpdir()) === undefined ? `no project quota at ${tmpdir()}` : false }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'gadus-quota-'));
  const stateDir = join(directory, 'state');
  try {
    const images = createImageStore({ dir: join(directory, 'images') });
    await buildBusyboxImage({ out: join(directory, 'busybox.tar') });
    await images.unpack('busybox', join(directory, 'busybox.tar'));
    const engine = createContainerEngine({ stateDir });
    const run = (id: string, script: string, onStart = () => {}, inputs: { path: string; target: string }[] = []) => engine.run({
      id, rootfs: images.rootfs('busybox'), inputs, sampleIntervalMs: 20, onStart,
      spec: parseJobSpec({ command: ['sh', '-c', script], resources: { diskBytes: '8MiB' } }),
    });
    let claimed = false;
    const fits = await run('fits', 'dd if=/dev/zero of=/outputs/a bs=1M count=6', () => {
      const runs = join(stateDir, 'runs');
      claimed = readdirSync(runs).some((name) => existsSync(join(runs, name, 'project'))) && loopDevicesWithin(runs).length === 0;
    });
    assert.ok(claimed, 'no loop device');
    assert.deepEqual([fits.exitCode, fits.ended, statSync(join(fits.outputs[0]!.path, 'a')).size], [0, 'exit', 6 * 2 ** 20]);
    assert.ok(fits.trace.channels.outputBytes!.at(-1)! >= 6 * 2 ** 20);
    const full = await run('full', 'dd if=/dev/zero of=/outputs/a bs=1M count=20');
    assert.deepEqual([full.exitCode !== 0, full.ended], [true, 'disk']);
    const files = await run('files', 'i=0; while [ $i -lt 2000 ]; do : > /outputs/$i; i=$((i + 1)); done');
    assert.deepEqual([files.exitCode !== 0, files.ended], [true, 'disk']);
    // Out of the quota: the project's number and the flag that hands it down, taken off by every way that chattr has, then more written than the disk holds.
    const tools = ['/usr/bin/chattr', ...[...(await runTool('ldd', ['/usr/bin/chattr'])).stdout.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1]!)];
    const leaving = await run('leaving', [
      'set_() { /inputs/ld-linux-x86-64.so.2 --library-path /inputs /inputs/chattr "$@"; }',
      'mkdir /outputs/d; echo > /outputs/f', 'for at in /outputs /outputs/d /outputs/f /work; do set_ -p 0 $at; set_ -P $at; set_ -p 4711 $at; set_ =e $at; done',
      'for n in 1 2 3 4; do for at in /outputs/d/big$n /outputs/big$n /work/big$n /outputs/f; do dd if=/dev/zero bs=1M count=4 >> $at; done; done', 'exit 9',
    ].join('\n'), () => {}, tools.map((tool) => ({ path: tool, target: `/inputs/${basename(tool)}` })));
    assert.deepEqual([leaving.exitCode, leaving.ended], [9, 'disk']);
    assert.match(readFileSync(leaving.stderrPath, 'utf8'), /chattr: .*while setting/, 'it was tried');
    const { stdout: held } = await runTool('du', ['-sk', join(stateDir, 'runs')]);
    // Two runs of 8 MiB before it, and what the engine itself writes.
    assert.ok(Number.parseInt(held, 10) < 3 * 8 * 1024 + 2048, held);
    for (const one of [fits, full, files, leaving]) await one.release();
    assert.deepEqual(readdirSync(join(stateDir, 'runs')), []);
    const { stdout } = await runTool('repquota', ['-P', '-n', projectQuotaOf(directory)!], { accept: [1] });
    assert.doesNotMatch(stdout, /8192/, 'no limit is left');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
