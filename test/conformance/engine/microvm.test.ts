import { mkdtemp, readFile, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildBusyboxImage, createImageStore, createMicrovmEngine, prepareGuest } from '../../../src/executor/index.ts';
import { messageOf } from '../../../src/protocol/index.ts';
import { engineSuite } from './engine-suite.ts';

const index = new URL('../../../src/executor/index.ts', import.meta.url).href;
const protocol = new URL('../../../src/protocol/index.ts', import.meta.url).href;
/** Downloaded once and kept between test runs. */
const guestDir = new URL('../../../node_modules/.cache/gadus-guest', import.meta.url).pathname;

engineSuite('microvm', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'gadus-microvm-'));
  const stateDir = path.join(directory, 'state');
  const init = { stateDir, guestDir, emulate: true };
  const images = createImageStore({ dir: path.join(directory, 'images') });
  const engine = createMicrovmEngine(init);
  const why = await prepareGuest({ dir: guestDir }).then(() => undefined, messageOf);
  const probe = await engine.probe();
  const emulated = probe.version.endsWith('tcg') && process.env['GADUS_TEST_EMULATED'] !== '1';
  const skip = emulated ? 'without KVM it takes ten minutes: GADUS_TEST_EMULATED=1 runs it' : probe.ok ? undefined : [why ?? [], probe.problems.map(({ what, remedy }) => `${what} (${remedy})`)].flat().join('; ');
  if (probe.ok) {
    await buildBusyboxImage({ out: path.join(directory, 'busybox.tar') });
    await images.unpack('busybox', path.join(directory, 'busybox.tar'));
  }
  const rootfs = probe.ok ? images.rootfs('busybox') : '';
  return {
    engine,
    rootfs,
    ...(skip === undefined ? {} : { skip }),
    leftovers: () => leftovers(stateDir),
    crashProgram: (command) => `
      import { createMicrovmEngine } from ${JSON.stringify(index)};
      import { parseJobSpec } from ${JSON.stringify(protocol)};
      const engine = createMicrovmEngine(${JSON.stringify(init)});
      await engine.run({
        id: 'crash', spec: parseJobSpec({ command: ${JSON.stringify(command)} }), rootfs: ${JSON.stringify(rootfs)}, inputs: [],
        sampleIntervalMs: 20, onStart: () => console.log('started'),
      });
    `,
    close: () => rm(directory, { recursive: true, force: true }),
  };
});

/** Run directories, and monitors, which hold their disks open. */
async function leftovers(stateDir: string): Promise<string[]> {
  const found = (await readdir(path.join(stateDir, 'runs')).catch(() => [])).map((name) => `file runs/${name}`);
  for (const name of await readdir(path.join(stateDir, 'disks')).catch(() => [])) if (name.startsWith('.')) found.push(`file disks/${name}`);
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if (!(await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).startsWith('qemu')) continue;
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
    const targets = await Promise.all(files.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
    if (targets.some((target) => target.startsWith(stateDir))) found.push(`process ${pid}`);
  }
  return found;
}
