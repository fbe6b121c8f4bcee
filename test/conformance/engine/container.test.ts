import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildBusyboxImage, createContainerEngine, createImageStore } from '../../../src/executor/index.ts';
import { commonSuite } from './common-suite.ts';
import { containerLeftovers } from './container-leftovers.ts';
import { engineSuite } from './engine-suite.ts';
import { shellPrograms } from './shell-programs.ts';

/** `GADUS_TEST_RUNTIME=crun` tests another runtime than the preferred one. */
const runtime = process.env['GADUS_TEST_RUNTIME'];
const index = new URL('../../../src/executor/index.ts', import.meta.url).href;
const protocol = new URL('../../../src/protocol/index.ts', import.meta.url).href;

const setup = async () => {
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
    leftovers: () => containerLeftovers(stateDir),
    crashProgram: (command: string[]) => `
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
};

engineSuite('container', setup);
commonSuite('container', async () => ({ ...await setup(), programs: shellPrograms }));
