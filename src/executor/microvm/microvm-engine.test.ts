import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isError, messageOf, parseJobSpec } from '../../protocol/index.ts';
import { which } from '../container/runtime.ts';
import { prepareGuest } from '../guest/guest.ts';
import { buildBusyboxImage } from '../image/build-busybox-image.ts';
import { createImageStore } from '../image/image-store.ts';
import { createMicrovmEngine } from './microvm-engine.ts';
import { QEMU } from './qemu.ts';

/** Downloaded once and kept between test runs. */
const guestDir = new URL('../../../node_modules/.cache/gadus-guest', import.meta.url).pathname;
const skip = which(QEMU) === undefined ? `${QEMU} is not installed` : await prepareGuest({ dir: guestDir }).then(() => false as const, messageOf);
if (skip !== false) process.stderr.write(`microVMs NOT TESTED: ${skip}\n`);

/** A few virtual machines, emulated where there is no KVM; test/conformance/engine has the rest. */
describe('the microvm engine', { skip, timeout: 300_000 }, () => {
  let directory: string;
  before(async () => { directory = await mkdtemp(path.join(tmpdir(), 'gadus-microvm-')); });
  after(() => rm(directory, { recursive: true, force: true }));

  test('says what to do where the guest is missing', async () => {
    const engine = createMicrovmEngine({ stateDir: path.join(directory, 'none'), guestDir: path.join(directory, 'nowhere'), emulate: true });
    const { ok, problems } = await engine.probe();
    assert.deepEqual([ok, problems], [false, [{ what: 'the guest\'s kernel is not there', remedy: 'gadus image kernel' }]]);
    await assert.rejects(engine.run({} as never), (error) => isError(error, 'ENGINE_UNAVAILABLE'));
  });

  test('runs a job in a kernel of its own, on an input that is not copied, and leaves nothing', async () => {
    const images = createImageStore({ dir: path.join(directory, 'images') });
    await buildBusyboxImage({ out: path.join(directory, 'busybox.tar') });
    await images.unpack('busybox', path.join(directory, 'busybox.tar'));
    const input = path.join(directory, 'input');
    await writeFile(input, Buffer.alloc(5_000_001, 'x'), { mode: 0o644 });
    const stateDir = path.join(directory, 'state');
    const engine = createMicrovmEngine({ stateDir, guestDir, emulate: true });
    const probe = await engine.probe();
    assert.ok(probe.ok, probe.problems.map(({ what }) => what).join('; '));
    const result = await engine.run({
      id: 'job', rootfs: images.rootfs('busybox'), inputs: [{ path: input, target: '/inputs/a' }], sampleIntervalMs: 20,
      spec: parseJobSpec({ command: ['sh', '-c', 'sha256sum < /inputs/a; uname -r >&2; mkdir /outputs/d; echo made > /outputs/d/f; exit 3'], resources: { memoryBytes: '64MiB', diskBytes: '8MiB' } }),
    });
    assert.deepEqual([result.exitCode, result.ended, result.notes], [3, 'exit', []]);
    assert.equal(await readFile(result.stdoutPath, 'utf8'), '59c192de10d49e0868a0944cad329b3bd24bba51a72777f2c8c1f16419ab0416  -\n');
    assert.equal((await readFile(result.stderrPath, 'utf8')).trim(), result.environment.kernel);
    assert.equal(await readFile(path.join(result.outputs[0]!.path, 'd/f'), 'utf8'), 'made\n');
    const { readBytes, cpuNs } = result.trace.channels;
    assert.ok(readBytes!.at(-1)! > 5_000_000 && readBytes!.at(-1)! < 5_200_000, String(readBytes!.at(-1)));
    assert.ok(cpuNs!.at(-1)! > 0);
    await result.release();
    assert.deepEqual(await readdir(path.join(stateDir, 'runs')), []);

    await assert.rejects(engine.run({
      id: 'aborted', rootfs: images.rootfs('busybox'), inputs: [], sampleIntervalMs: 20, spec: parseJobSpec({ command: ['sleep', '1000'] }), signal: AbortSignal.timeout(500),
    }), (error) => isError(error, 'ABORTED'));
    assert.deepEqual(await readdir(path.join(stateDir, 'runs')), []);
  });
});
