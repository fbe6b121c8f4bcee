import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
    const run = (id: string, script: string, onStart = () => {}) => engine.run({
      id, rootfs: images.rootfs('busybox'), inputs: [], sampleIntervalMs: 20, onStart,
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
    for (const one of [fits, full, files]) await one.release();
    assert.deepEqual(readdirSync(join(stateDir, 'runs')), []);
    const { stdout } = await runTool('repquota', ['-P', '-n', projectQuotaOf(directory)!], { accept: [1] });
    assert.doesNotMatch(stdout, /8192/, 'no limit is left');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
