import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { buildBusyboxImage, createImageStore, createMicrovmEngine, prepareGuest, probeKvm } from '../../src/executor/index.ts';
import { firecrackerPaths } from '../../src/executor/microvm/firecracker/firecracker.ts';
import { parseJobSpec } from '../../src/protocol/index.ts';

const guestDir = new URL('../../node_modules/.cache/gadus-guest', import.meta.url).pathname;

/** Why the real thing cannot be tested here. */
async function reason(): Promise<string | false> {
  if (firecrackerPaths() === undefined) return 'FIRECRACKER and JAILER name no binaries';
  const { kernel } = await prepareGuest({ dir: guestDir });
  const { works, detail } = await probeKvm({ kernel });
  return works ? false : `KVM does not work: ${detail}`;
}

const skip = await reason();
if (skip !== false) process.stderr.write(`Firecracker itself NOT TESTED: ${skip}\n`);

describe('Firecracker itself', { skip }, () => {
  let directory: string;
  before(async () => { directory = await mkdtemp(path.join(tmpdir(), 'gadus-firecracker-')); });
  after(() => rm(directory, { recursive: true, force: true }));

  test('runs jobs, on inputs that are not copied, and leaves nothing', async () => {
    const images = createImageStore({ dir: path.join(directory, 'images') });
    await buildBusyboxImage({ out: path.join(directory, 'busybox.tar') });
    await images.unpack('busybox', path.join(directory, 'busybox.tar'));
    const input = path.join(directory, 'input');
    await writeFile(input, Buffer.alloc(5_000_001, 'x'), { mode: 0o644 });
    const engine = createMicrovmEngine({ stateDir: path.join(directory, 'state'), guestDir });
    const probe = await engine.probe();
    assert.deepEqual([probe.ok, probe.runtime], [true, 'firecracker'], probe.problems.map(({ what }) => what).join('; '));
    const results = await Promise.all([1, 2, 3].map((n) => engine.run({
      id: `real-${n}`, rootfs: images.rootfs('busybox'), inputs: [{ path: input, target: '/inputs/a' }], sampleIntervalMs: 20,
      spec: parseJobSpec({ command: ['sh', '-c', `wc -c < /inputs/a; echo ${n} > /outputs/n; exit ${n}`], resources: { memoryBytes: '64MiB', diskBytes: '8MiB' } }),
    })));
    for (const [i, result] of results.entries()) {
      assert.deepEqual([result.exitCode, await readFile(result.stdoutPath, 'utf8'), await readFile(path.join(result.outputs[0]!.path, 'n'), 'utf8')], [i + 1, '5000001\n', `${i + 1}\n`]);
      await result.release();
    }
    assert.deepEqual(await readdir(path.join(directory, 'state/runs')), []);
  });
});
