import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { buildBusyboxImage, createImageStore, createMicrovmEngine, prepareGuest } from '../../../src/executor/index.ts';
import { messageOf, parseJobSpec } from '../../../src/protocol/index.ts';
import { ATTACKS } from './attacks.ts';
import { escapeSuite } from './escape-suite.ts';

/** Downloaded once and kept between test runs. */
const guestDir = new URL('../../../node_modules/.cache/gadus-guest', import.meta.url).pathname;
const directory = await mkdtemp(path.join(tmpdir(), 'gadus-escape-microvm-'));
after(() => rm(directory, { recursive: true, force: true }));
const why = await prepareGuest({ dir: guestDir }).then(() => undefined, messageOf);
const engine = createMicrovmEngine({ stateDir: path.join(directory, 'state'), guestDir, emulate: true });
const probe = await engine.probe();
const skip = probe.ok ? undefined : [why ?? [], probe.problems.map(({ what, remedy }) => `${what} (${remedy})`)].flat().join('; ');
const images = createImageStore({ dir: path.join(directory, 'images') });
if (probe.ok) {
  await buildBusyboxImage({ out: path.join(directory, 'busybox.tar') });
  await images.unpack('busybox', path.join(directory, 'busybox.tar'));
} else process.stderr.write(`escapes from microvm NOT TESTED: ${skip}\n`);
const rootfs = probe.ok ? images.rootfs('busybox') : '';

/** All in one virtual machine, which is seconds where each in its own is minutes: out of the job's user, into the guest's kernel. */
describe('escapes from the job\'s user in a microvm', { skip: skip ?? false, timeout: 300_000 }, () => {
  test('all at once', async () => {
    const attacks = Object.values(ATTACKS).flat();
    const script = attacks.map((attack, i) => `( ${attack} ) >/dev/null 2>&1 && echo "ESCAPED ${i}"`).join('\n');
    const result = await engine.run({
      id: 'all', rootfs, inputs: [], sampleIntervalMs: 100,
      spec: parseJobSpec({ command: ['sh', '-c', `${script}\nid -u; ls -d /proc/[0-9]* | wc -l; ip addr | grep -c 'inet '; echo end`], resources: { timeoutMs: 240_000 } }),
    });
    const stdout = await readFile(result.stdoutPath, 'utf8');
    assert.deepEqual([...stdout.matchAll(/^ESCAPED (\d+)$/gm)].map(([, i]) => attacks[Number(i)]), []);
    const [uid, processes, addresses, end] = stdout.trim().split('\n');
    assert.deepEqual([uid, addresses, end], ['65534', '0', 'end']);
    assert.ok(Number(processes) <= 5, stdout);
    await result.release();
  });
});

const emulated = probe.version.endsWith('tcg') && process.env['GADUS_TEST_EMULATED'] !== '1' ? 'without KVM it takes minutes: GADUS_TEST_EMULATED=1 runs it' : undefined;
const reason = skip ?? emulated;
escapeSuite('microvm', async () => ({
  engine, rootfs, ...(reason === undefined ? {} : { skip: reason }), ownFiles: probe.ok ? [path.join(rootfs, 'bin/busybox')] : [], close: async () => undefined,
}));
