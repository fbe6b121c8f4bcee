import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildBusyboxImage, createContainerEngine, createImageStore } from '../../../src/executor/index.ts';
import { engineSuite } from './engine-suite.ts';

/** `GADUS_TEST_RUNTIME=crun` tests another runtime than the preferred one. */
const runtime = process.env['GADUS_TEST_RUNTIME'];
const index = new URL('../../../src/executor/index.ts', import.meta.url).href;
const protocol = new URL('../../../src/protocol/index.ts', import.meta.url).href;

engineSuite('container', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'gadus-container-'));
  const stateDir = path.join(directory, 'state');
  const images = createImageStore({ dir: path.join(directory, 'images') });
  const engine = createContainerEngine({ stateDir, ...(runtime === undefined ? {} : { runtime }) });
  const probe = await engine.probe();
  if (probe.ok) {
    const tar = path.join(directory, 'busybox.tar');
    await buildBusyboxImage({ out: tar });
    await images.unpack('busybox', tar);
  }
  const rootfs = probe.ok ? images.rootfs('busybox') : '';
  return {
    engine,
    rootfs,
    ...(probe.ok ? {} : { skip: probe.problems.map(({ what, remedy }) => `${what} (${remedy})`).join('; ') }),
    leftovers: () => leftovers(stateDir),
    crashProgram: (command) => `
      import { createContainerEngine } from ${JSON.stringify(index)};
      import { parseJobSpec } from ${JSON.stringify(protocol)};
      const engine = createContainerEngine({ stateDir: ${JSON.stringify(stateDir)}, runtime: ${JSON.stringify(probe.runtime)} });
      await engine.run({
        id: 'crash', spec: parseJobSpec({ command: ${JSON.stringify(command)} }), rootfs: ${JSON.stringify(rootfs)}, inputs: [],
        sampleIntervalMs: 20, onStart: () => console.log('started'),
      });
    `,
    close: () => rm(directory, { recursive: true, force: true }),
  };
});

/** Everything on this machine that bears the name of this state directory. */
async function leftovers(stateDir: string): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ['runs', 'runtime']) for (const name of await readdir(path.join(stateDir, folder)).catch(() => [])) found.push(`file ${folder}/${name}`);
  for (const line of (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')) if (line.includes(stateDir)) found.push(`mount ${line}`);
  for (const device of await readdir('/sys/block')) {
    const backing = await readFile(`/sys/block/${device}/loop/backing_file`, 'utf8').catch(() => '');
    if (backing.includes(stateDir)) found.push(`loop device ${device}`);
  }
  const groups = new Set<string>();
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(`${stateDir}/runtime`)) found.push(`process ${pid} ${command.replaceAll('\0', ' ')}`);
    if (command.startsWith('/.gadus/sh')) groups.add(pid);
  }
  for (const pid of groups) {
    const group = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '');
    if (group.includes(stateDir)) found.push(`init ${pid}`);
  }
  for (const hierarchy of ['/sys/fs/cgroup', ...(await readdir('/sys/fs/cgroup')).map((name) => `/sys/fs/cgroup/${name}`)]) {
    for (const name of await readdir(hierarchy).catch(() => [])) if (name.startsWith(groupPrefix(stateDir))) found.push(`control group ${hierarchy}/${name}`);
  }
  return found;
}

/** How the engine names what belongs to a state directory. */
function groupPrefix(stateDir: string): string {
  return `gadus-${createHash('sha256').update(stateDir).digest('hex').slice(0, 8)}-`;
}
